// Network security group of the subnet of one app: what the app reaches.

@description('Azure region.')
param location string

@description('Name of the network security group.')
param groupName string

@description('The subnet: addressPrefix, and whether its app calls Azure Resource Manager (callsResourceManager).')
param subnet object

@description('Address range of the subnet that holds the private endpoints.')
param endpointsSubnetPrefix string

@description('Rules that deny everything else.')
param lastRules array

@description('Tags of every resource.')
param tags object

// Sign-in and Azure Resource Manager have no private endpoint that serves other subscriptions.
var destinations = concat([
  endpointsSubnetPrefix
  'AzureActiveDirectory'
], subnet.callsResourceManager ? [
  'AzureResourceManager'
] : [])
var outbound = [for (destination, i) in destinations: {
  name: 'AllowHttps-${i}'
  properties: {
    priority: 100 + i
    direction: 'Outbound'
    access: 'Allow'
    protocol: 'Tcp'
    sourceAddressPrefix: subnet.addressPrefix
    sourcePortRange: '*'
    destinationAddressPrefix: destination
    destinationPortRange: '443'
  }
}]

resource securityGroup 'Microsoft.Network/networkSecurityGroups@2024-07-01' = {
  name: groupName
  location: location
  tags: tags
  properties: {
    securityRules: concat(outbound, lastRules)
  }
}
