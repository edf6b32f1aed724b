// What a customer deploys: a small private application, the policy assignments that judge it, and a workbook that shows the
// customer what they say. It becomes mainTemplate.json. docs/sample.md explains it.

@description('Azure region.')
param location string = resourceGroup().location

@description('Tenant of the publisher. Customers of a Marketplace plan are in other tenants, so a plan\'s package has to name it.')
param publisherTenantId string = subscription().tenantId

@description('True: with an account of Azure AI services.')
param aiServices bool = false

@description('True: with a web app and a function app.')
param apps bool = false

@description('True: with a private link scope for servers that Azure Arc manages.')
param arcPrivateLink bool = false

@description('True: such servers will be connected into the managed resource group. Only with arcPrivateLink.')
param arcServers bool = false

var token = uniqueString(resourceGroup().id)
var names = {
  aiServices: 'ai-${token}'
  appPlan: 'plan-${token}'
  arcScope: 'arc-${token}'
  functionApp: 'func-${token}'
  keyVault: 'kv-${token}'
  monitorScope: 'ampls-${token}'
  network: 'vnet-${token}'
  storage: 'st${token}'
  webApp: 'app-${token}'
  workspace: 'log-${token}'
}

// Which part of policies.json is assigned. An assignment that finds nothing to judge never says that all is well, so a part
// that is left out takes its assignments with it.
var parts = {
  base: true
  aiServices: aiServices
  apps: apps
  arcPrivateLink: arcPrivateLink
  arcServers: arcPrivateLink && arcServers
}

var zones = union(loadJsonContent('dns_zones.json')[environment().name], {
  blob: [
    'privatelink.blob.${environment().suffixes.storage}'
  ]
  vault: [
    'privatelink${replace(environment().suffixes.keyvaultDns, '.vault.', '.vaultcore.')}'
  ]
})
var zoneNames = concat(zones.blob, zones.vault, zones.azuremonitor, aiServices ? zones.account : [], apps ? zones.sites : [], arcPrivateLink ? zones.hybridcompute : [])

var endpoints = concat([
  {
    name: 'storage'
    targetId: resourceId('Microsoft.Storage/storageAccounts', names.storage)
    groupId: 'blob'
    zones: zones.blob
  }
  {
    name: 'vault'
    targetId: resourceId('Microsoft.KeyVault/vaults', names.keyVault)
    groupId: 'vault'
    zones: zones.vault
  }
  {
    name: 'monitor'
    targetId: resourceId('Microsoft.Insights/privateLinkScopes', names.monitorScope)
    groupId: 'azuremonitor'
    // Azure Monitor hands out solution packs from blob storage.
    zones: concat(zones.azuremonitor, zones.blob)
  }
], aiServices ? [
  {
    name: 'ai'
    targetId: resourceId('Microsoft.CognitiveServices/accounts', names.aiServices)
    groupId: 'account'
    zones: zones.account
  }
] : [], apps ? [
  {
    name: 'web'
    targetId: resourceId('Microsoft.Web/sites', names.webApp)
    groupId: 'sites'
    zones: zones.sites
  }
  {
    name: 'function'
    targetId: resourceId('Microsoft.Web/sites', names.functionApp)
    groupId: 'sites'
    zones: zones.sites
  }
] : [], arcPrivateLink ? [
  {
    name: 'arc'
    targetId: resourceId('Microsoft.HybridCompute/privateLinkScopes', names.arcScope)
    groupId: 'hybridcompute'
    zones: zones.hybridcompute
  }
] : [])

module network 'parts/network.bicep' = {
  name: 'network'
  params: {
    location: location
    networkName: names.network
    securityGroupPrefix: 'nsg-${token}-'
  }
}

module logs 'parts/logs.bicep' = {
  name: 'logs'
  params: {
    location: location
    workspaceName: names.workspace
    privateLinkScopeName: names.monitorScope
  }
}

module vault 'parts/key_vault.bicep' = {
  name: 'vault'
  params: {
    location: location
    vaultName: names.keyVault
    workspaceName: names.workspace
  }
  dependsOn: [
    logs
  ]
}

module storage 'parts/storage.bicep' = {
  name: 'storage'
  params: {
    location: location
    accountName: names.storage
  }
}

module aiAccount 'parts/ai_services.bicep' = if (aiServices) {
  name: 'ai-services'
  params: {
    location: location
    accountName: names.aiServices
  }
}

module appService 'parts/apps.bicep' = if (apps) {
  name: 'apps'
  params: {
    location: location
    planName: names.appPlan
    webAppName: names.webApp
    functionAppName: names.functionApp
    storageName: names.storage
    networkName: names.network
    crossTenant: publisherTenantId != subscription().tenantId
  }
  dependsOn: [
    network
    storage
  ]
}

module arcScope 'parts/arc.bicep' = if (arcPrivateLink) {
  name: 'arc'
  params: {
    location: location
    privateLinkScopeName: names.arcScope
  }
}

module dnsZones 'parts/dns_zone.bicep' = [for zoneName in zoneNames: {
  name: 'zone-${uniqueString(zoneName)}'
  params: {
    zoneName: zoneName
    networkName: names.network
  }
  dependsOn: [
    network
  ]
}]

// One after the other: a zone that two endpoints share takes the names of one at a time.
@batchSize(1)
module privateEndpoints 'parts/private_endpoint.bicep' = [for endpoint in endpoints: {
  name: 'endpoint-${endpoint.name}'
  params: {
    location: location
    endpointName: 'pep-${token}-${endpoint.name}'
    targetId: endpoint.targetId
    groupId: endpoint.groupId
    zoneNames: endpoint.zones
    networkName: names.network
  }
  dependsOn: [
    dnsZones
    logs
    vault
    storage
    aiAccount
    appService
    arcScope
  ]
}]

module policies 'parts/policies.bicep' = {
  name: 'policies'
  params: {
    location: location
    parts: parts
    crossTenant: publisherTenantId != subscription().tenantId
  }
}

module workbook 'parts/workbook.bicep' = {
  name: 'workbook'
  params: {
    location: location
  }
}

@description('Name of the storage account, which a tester breaks and repairs.')
output storageAccountName string = names.storage
