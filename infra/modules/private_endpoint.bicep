// One private endpoint, with its names in private DNS zones.

@description('Azure region: the region of the virtual network.')
param location string

@description('Name of the private endpoint.')
param endpointName string

@description('Resource id of the resource behind the endpoint.')
param targetId string

@description('Which part of the resource: blob, queue, table, vault or azuremonitor.')
param groupId string

@description('Name of the virtual network whose subnet endpoints holds it.')
param networkName string

@description('Names of private DNS zones in this resource group that get the endpoint\'s names.')
param zoneNames array

@description('Tags of every resource.')
param tags object

resource endpoint 'Microsoft.Network/privateEndpoints@2024-07-01' = {
  name: endpointName
  location: location
  tags: tags
  properties: {
    subnet: {
      id: resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, 'endpoints')
    }
    privateLinkServiceConnections: [
      {
        name: groupId
        properties: {
          privateLinkServiceId: targetId
          groupIds: [
            groupId
          ]
        }
      }
    ]
  }
}

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [for zoneName in zoneNames: {
      name: replace(zoneName, '.', '-')
      properties: {
        privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', zoneName)
      }
    }]
  }
}
