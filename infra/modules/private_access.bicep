// The private mode: network, private DNS zones, private endpoints of storage and vault, private link of Azure Monitor.

@description('Azure region.')
param location string

@description('Names of the resources: keyVault, natGateway, network, privateLinkScope, publicIp.')
param names object

@description('The apps: role, storageAccount, storageServices, endpointPrefix.')
param apps array

@description('Part of the other names that makes them unique.')
param resourceToken string

@description('Address ranges: network, appSubnet, workerSubnet, apiSubnet (each /27 or larger), endpointsSubnet, and operators (a list, may be empty).')
param addressPrefixes object

@description('Tags of every resource.')
param tags object

@description('Private DNS zones of Azure Monitor in this cloud.')
param monitorDnsZones array

var abbreviations = loadJsonContent('../abbreviations.json')
var securityGroupPrefix = '${abbreviations.networkSecurityGroup}${resourceToken}-'
var endpointPrefix = '${abbreviations.privateEndpoint}${resourceToken}-'
var storageSuffix = environment().suffixes.storage
var vaultZone = 'privatelink${replace(environment().suffixes.keyvaultDns, '.vault.', '.vaultcore.')}'
var storageServices = [
  'blob'
  'queue'
  'table'
]
// All three, also without the api: a subnet that an app once used cannot be taken away.
var appSubnets = [
  {
    name: 'app'
    addressPrefix: addressPrefixes.appSubnet
    callsResourceManager: false
  }
  {
    name: 'worker'
    addressPrefix: addressPrefixes.workerSubnet
    callsResourceManager: true
  }
  {
    name: 'api'
    addressPrefix: addressPrefixes.apiSubnet
    callsResourceManager: false
  }
]
var storageZones = [for service in storageServices: 'privatelink.${service}.${storageSuffix}']
var zoneNames = concat(storageZones, [
  vaultZone
], monitorDnsZones)

module securityGroups 'security_groups.bicep' = {
  name: 'security-groups'
  params: {
    location: location
    namePrefix: securityGroupPrefix
    appSubnets: appSubnets
    endpointsSubnetPrefix: addressPrefixes.endpointsSubnet
    operatorAddressPrefixes: addressPrefixes.operators
    tags: tags
  }
}

module network 'network.bicep' = {
  name: 'network'
  params: {
    location: location
    networkName: names.network
    addressPrefix: addressPrefixes.network
    appSubnets: appSubnets
    endpointsSubnetPrefix: addressPrefixes.endpointsSubnet
    natGatewayName: names.natGateway
    publicIpName: names.publicIp
    securityGroupPrefix: securityGroupPrefix
    tags: tags
  }
  dependsOn: [
    securityGroups
  ]
}

module zones 'private_dns_zone.bicep' = [for zoneName in zoneNames: {
  name: 'zone-${uniqueString(zoneName)}'
  params: {
    zoneName: zoneName
    networkName: names.network
    tags: tags
  }
  dependsOn: [
    network
  ]
}]

module storageEndpoints 'storage_endpoints.bicep' = [for app in apps: {
  name: 'endpoints-storage-${app.role}'
  params: {
    location: location
    app: app
    networkName: names.network
    tags: tags
  }
  dependsOn: [
    zones
  ]
}]

module vaultEndpoint 'private_endpoint.bicep' = {
  name: 'endpoint-vault'
  params: {
    location: location
    endpointName: '${endpointPrefix}vault'
    targetId: resourceId('Microsoft.KeyVault/vaults', names.keyVault)
    groupId: 'vault'
    networkName: names.network
    zoneNames: [
      vaultZone
    ]
    tags: tags
  }
  dependsOn: [
    zones
  ]
}

// Azure Monitor's endpoint carries solution packs in blob storage too, hence the blob zone.
module monitorEndpoint 'private_endpoint.bicep' = {
  name: 'endpoint-monitor'
  params: {
    location: location
    endpointName: '${endpointPrefix}monitor'
    targetId: resourceId('Microsoft.Insights/privateLinkScopes', names.privateLinkScope)
    groupId: 'azuremonitor'
    networkName: names.network
    zoneNames: concat(monitorDnsZones, [
      storageZones[0]
    ])
    tags: tags
  }
  dependsOn: [
    zones
    // The first endpoint in a shared zone has to be there before the second writes to it.
    storageEndpoints
  ]
}
