// One private endpoint, with its names in private DNS zones.

@description('Azure region: the region of the virtual network.')
param location string

@description('Name of the private endpoint.')
param endpointName string

@description('Resource id of the resource behind the endpoint.')
param targetId string

@description('Which part of the resource, as Azure Private Link names it: blob, vault, azuremonitor, account, sites or hybridcompute.')
param groupId string

@description('Names of private DNS zones in this resource group that get the endpoint\'s names.')
param zoneNames array

@description('Name of the virtual network whose subnet endpoints holds it.')
param networkName string

resource endpoint 'Microsoft.Network/privateEndpoints@2025-01-01' = {
  name: endpointName
  location: location
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

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-01-01' = {
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
