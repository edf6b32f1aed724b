// Virtual network for the private mode: a subnet for the outbound traffic of each app, one for private endpoints, a fixed way out.

@description('Azure region.')
param location string

@description('Name of the virtual network.')
param networkName string

@description('Address range of the virtual network.')
param addressPrefix string

@description('The subnets of the apps, one for each: name, addressPrefix (/27 or larger).')
param appSubnets array

@description('Address range of the subnet that holds the private endpoints.')
param endpointsSubnetPrefix string

@description('Name of the NAT gateway.')
param natGatewayName string

@description('Name of the public address of the NAT gateway.')
param publicIpName string

@description('Start of the names of the network security groups, which end with the name of the subnet.')
param securityGroupPrefix string

@description('Tags of every resource.')
param tags object

var subnetsOfApps = [for subnet in appSubnets: {
  name: subnet.name
  properties: {
    addressPrefix: subnet.addressPrefix
    defaultOutboundAccess: false
    networkSecurityGroup: {
      id: resourceId('Microsoft.Network/networkSecurityGroups', '${securityGroupPrefix}${subnet.name}')
    }
    natGateway: {
      id: natGateway.id
    }
    delegations: [
      {
        name: 'flex-consumption'
        properties: {
          serviceName: 'Microsoft.App/environments'
        }
      }
    ]
  }
}]

resource publicIp 'Microsoft.Network/publicIPAddresses@2024-07-01' = {
  name: publicIpName
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    publicIPAllocationMethod: 'Static'
  }
}

resource natGateway 'Microsoft.Network/natGateways@2024-07-01' = {
  name: natGatewayName
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    publicIpAddresses: [
      {
        id: publicIp.id
      }
    ]
  }
}

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: networkName
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        addressPrefix
      ]
    }
    subnets: concat(subnetsOfApps, [
      {
        name: 'endpoints'
        properties: {
          addressPrefix: endpointsSubnetPrefix
          defaultOutboundAccess: false
          // Network security groups are ignored at private endpoints unless this says so.
          privateEndpointNetworkPolicies: 'NetworkSecurityGroupEnabled'
          networkSecurityGroup: {
            id: resourceId('Microsoft.Network/networkSecurityGroups', '${securityGroupPrefix}endpoints')
          }
        }
      }
    ])
  }
}
