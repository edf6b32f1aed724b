// Network security groups of the private mode: only what is named gets in or out.

@description('Azure region.')
param location string

@description('Start of the names of the network security groups.')
param namePrefix string

@description('Address range of the app\'s subnet.')
param appSubnetPrefix string

@description('Address range of the subnet that holds the private endpoints.')
param endpointsSubnetPrefix string

@description('Address ranges, of a peered network or a VPN, from which operators reach the private endpoints.')
param operatorAddressPrefixes array

@description('Tags of every resource.')
param tags object

// The service tag VirtualNetwork grows with every user-defined route and peering, and the platform's default rules allow it.
// So each group ends with a denial of its own before those defaults, and allows by address.
var denyAllInbound = {
  name: 'DenyAllInbound'
  properties: {
    description: 'Stands before the default rules, whose VirtualNetwork tag widens with routes and peerings.'
    priority: 4096
    direction: 'Inbound'
    access: 'Deny'
    protocol: '*'
    sourceAddressPrefix: '*'
    sourcePortRange: '*'
    destinationAddressPrefix: '*'
    destinationPortRange: '*'
  }
}
var denyAllOutbound = {
  name: 'DenyAllOutbound'
  properties: {
    description: 'Stands before the default rules, which allow the internet.'
    priority: 4096
    direction: 'Outbound'
    access: 'Deny'
    protocol: '*'
    sourceAddressPrefix: '*'
    sourcePortRange: '*'
    destinationAddressPrefix: '*'
    destinationPortRange: '*'
  }
}
// Sign-in and Azure Resource Manager have no private endpoint that serves other subscriptions.
var appDestinations = [
  endpointsSubnetPrefix
  'AzureActiveDirectory'
  'AzureResourceManager'
]
var appOutbound = [for (destination, i) in appDestinations: {
  name: 'AllowHttps-${i}'
  properties: {
    priority: 100 + i
    direction: 'Outbound'
    access: 'Allow'
    protocol: 'Tcp'
    sourceAddressPrefix: appSubnetPrefix
    sourcePortRange: '*'
    destinationAddressPrefix: destination
    destinationPortRange: '443'
  }
}]

resource appSecurityGroup 'Microsoft.Network/networkSecurityGroups@2024-07-01' = {
  name: '${namePrefix}app'
  location: location
  tags: tags
  properties: {
    securityRules: concat(appOutbound, [
      denyAllInbound
      denyAllOutbound
    ])
  }
}

resource endpointsSecurityGroup 'Microsoft.Network/networkSecurityGroups@2024-07-01' = {
  name: '${namePrefix}endpoints'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'AllowAppAndOperators'
        properties: {
          priority: 100
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefixes: concat([
            appSubnetPrefix
          ], operatorAddressPrefixes)
          sourcePortRange: '*'
          destinationAddressPrefix: endpointsSubnetPrefix
          destinationPortRange: '443'
        }
      }
      denyAllInbound
      denyAllOutbound
    ]
  }
}
