// What the function app stands on: monitoring, storage, vault and, in the private mode, the network.

@description('Azure region.')
param location string

@description('Part of the names that makes them unique.')
param resourceToken string

@description('Tags of every resource.')
param tags object

@description('Object id of the function app\'s identity.')
param appPrincipalId string

@description('Object id of the alert rules\' identity.')
param alertsPrincipalId string

@description('Client secret or certificate; empty: keep what the vault holds.')
@secure()
param publisherCredential string

@description('Value that the webhook\'s sig parameter must equal.')
@secure()
param notificationSignature string

@description('Redundancy of the storage account.')
param storageSku string

@description('Days that Log Analytics keeps the rows.')
param retentionInDays int

@description('True: private endpoints only, except for the webhook.')
param privateNetworking bool

@description('Private mode: address ranges network, appSubnet, endpointsSubnet, operators.')
param addressPrefixes object

@description('Name of the registry table.')
param registryTable string

@description('Name of the virtual network; used when privateNetworking is true.')
param networkName string

@description('Azure Monitor\'s private DNS zones in this cloud.')
param monitorDnsZones array

var abbreviations = loadJsonContent('../abbreviations.json')
var privateLinkScopeName = '${abbreviations.privateLinkScope}${resourceToken}'

module monitoring 'monitoring.bicep' = {
  name: 'monitoring'
  params: {
    location: location
    workspaceName: '${abbreviations.workspace}${resourceToken}'
    resourceToken: resourceToken
    retentionInDays: retentionInDays
    appPrincipalId: appPrincipalId
    alertsPrincipalId: alertsPrincipalId
    privateNetworking: privateNetworking
    privateLinkScopeName: privateLinkScopeName
    tags: tags
  }
}

module storage 'storage.bicep' = {
  name: 'storage'
  params: {
    location: location
    accountName: '${abbreviations.storageAccount}${resourceToken}'
    skuName: storageSku
    deploymentContainerName: 'deployments'
    tableNames: [
      registryTable
      'collectionruns'
    ]
    queueNames: [
      'collection-shards'
      'collection-shards-poison'
    ]
    appPrincipalId: appPrincipalId
    workspaceId: monitoring.outputs.workspaceId
    privateNetworking: privateNetworking
    tags: tags
  }
}

module vault 'key_vault.bicep' = {
  name: 'key-vault'
  params: {
    location: location
    vaultName: '${abbreviations.keyVault}${resourceToken}'
    notificationSignature: notificationSignature
    publisherCredential: publisherCredential
    appPrincipalId: appPrincipalId
    workspaceId: monitoring.outputs.workspaceId
    privateNetworking: privateNetworking
    tags: tags
  }
}

module privateAccess 'private_access.bicep' = if (privateNetworking) {
  name: 'private-access'
  params: {
    location: location
    networkName: networkName
    resourceToken: resourceToken
    addressPrefixes: addressPrefixes
    storageAccountId: storage.outputs.accountId
    vaultId: vault.outputs.vaultId
    privateLinkScopeId: resourceId('Microsoft.Insights/privateLinkScopes', privateLinkScopeName)
    monitorDnsZones: monitorDnsZones
    tags: tags
  }
  dependsOn: [
    monitoring
  ]
}

@description('Resource id of the workspace.')
output workspaceId string = monitoring.outputs.workspaceId

@description('Name of the workspace.')
output workspaceName string = monitoring.outputs.workspaceName

@description('Workspace id for queries (a GUID).')
output workspaceCustomerId string = monitoring.outputs.customerId

@description('What the function app has to know: addresses and references, no secret.')
output addresses object = {
  applicationInsightsConnectionString: monitoring.outputs.applicationInsightsConnectionString
  credentialReference: vault.outputs.credentialReference
  deploymentContainerUri: storage.outputs.deploymentContainerUri
  ingestionUri: monitoring.outputs.ingestionUri
  ruleImmutableId: monitoring.outputs.ruleImmutableId
  signatureReference: vault.outputs.signatureReference
  storageEndpoints: storage.outputs.endpoints
  streams: monitoring.outputs.streams
}

@description('Name of the storage account.')
output storageAccountName string = storage.outputs.accountName

@description('Name of the key vault.')
output vaultName string = vault.outputs.vaultName
