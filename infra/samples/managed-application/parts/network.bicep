// Virtual network: a subnet for private endpoints and one for what the apps send. Neither has a way out of its own.

@description('Azure region.')
param location string

@description('Name of the virtual network.')
param networkName string

@description('Start of the names of the network security groups, which end with the name of the subnet.')
param securityGroupPrefix string

var networkPrefix = '10.80.0.0/24'
var endpointsPrefix = '10.80.0.0/26'
var appsPrefix = '10.80.0.64/26'

// The service tag VirtualNetwork grows with every route and peering, and the platform's default rules allow it. So each group
// ends with denials of its own before those defaults, and allows by address.
var denyAll = [for direction in [
  'Inbound'
  'Outbound'
]: {
  name: 'DenyAll${direction}'
  properties: {
    priority: 4096
    direction: direction
    access: 'Deny'
    protocol: '*'
    sourceAddressPrefix: '*'
    sourcePortRange: '*'
    destinationAddressPrefix: '*'
    destinationPortRange: '*'
  }
}]

resource endpointsSecurityGroup 'Microsoft.Network/networkSecurityGroups@2025-01-01' = {
  name: '${securityGroupPrefix}endpoints'
  location: location
  properties: {
    securityRules: concat([
      {
        name: 'AllowHttpsFromApps'
        properties: {
          priority: 100
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefix: appsPrefix
          sourcePortRange: '*'
          destinationAddressPrefix: endpointsPrefix
          destinationPortRange: '443'
        }
      }
    ], denyAll)
  }
}

resource appsSecurityGroup 'Microsoft.Network/networkSecurityGroups@2025-01-01' = {
  name: '${securityGroupPrefix}apps'
  location: location
  properties: {
    securityRules: concat([
      {
        name: 'AllowHttpsToEndpoints'
        properties: {
          priority: 100
          direction: 'Outbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefix: appsPrefix
          sourcePortRange: '*'
          destinationAddressPrefix: endpointsPrefix
          destinationPortRange: '443'
        }
      }
    ], denyAll)
  }
}

resource network 'Microsoft.Network/virtualNetworks@2025-01-01' = {
  name: networkName
  location: location
  properties: {
    addressSpace: {
      addressPrefixes: [
        networkPrefix
      ]
    }
    subnets: [
      {
        name: 'endpoints'
        properties: {
          addressPrefix: endpointsPrefix
          defaultOutboundAccess: false
          // Network security groups are ignored at private endpoints unless this says so.
          privateEndpointNetworkPolicies: 'NetworkSecurityGroupEnabled'
          networkSecurityGroup: {
            id: endpointsSecurityGroup.id
          }
        }
      }
      {
        name: 'apps'
        properties: {
          addressPrefix: appsPrefix
          defaultOutboundAccess: false
          networkSecurityGroup: {
            id: appsSecurityGroup.id
          }
          delegations: [
            {
              name: 'app-service'
              properties: {
                serviceName: 'Microsoft.Web/serverFarms'
              }
            }
          ]
        }
      }
    ]
  }
}
