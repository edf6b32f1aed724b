// Network security groups of the private mode: only what is named gets in or out.

@description('Azure region.')
param location string

@description('Start of the names of the network security groups.')
param namePrefix string

@description('The subnets of the apps, one for each: name, addressPrefix, callsResourceManager.')
param appSubnets array

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
var appPrefixes = [for subnet in appSubnets: subnet.addressPrefix]

module appSecurityGroups 'app_security_group.bicep' = [for subnet in appSubnets: {
  name: 'security-group-${subnet.name}'
  params: {
    location: location
    groupName: '${namePrefix}${subnet.name}'
    subnet: subnet
    endpointsSubnetPrefix: endpointsSubnetPrefix
    lastRules: [
      denyAllInbound
      denyAllOutbound
    ]
    tags: tags
  }
}]

resource endpointsSecurityGroup 'Microsoft.Network/networkSecurityGroups@2024-07-01' = {
  name: '${namePrefix}endpoints'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'AllowAppsAndOperators'
        properties: {
          priority: 100
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefixes: concat(appPrefixes, operatorAddressPrefixes)
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
