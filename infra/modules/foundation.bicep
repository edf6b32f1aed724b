// What the function app stands on: monitoring, storage, vault and, in the private mode, the network.

@description('Azure region.')
param location string

@description('Names of the resources, as main.bicep makes them.')
param names object

@description('Part of the names that makes them unique.')
param resourceToken string

@description('Tags of every resource.')
param tags object

@description('Name of the container that holds the deployment package.')
param deploymentContainerName string

@description('Names of the secrets in the vault: signature, credential.')
param secretNames object

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

@description('Azure Monitor\'s private DNS zones in this cloud.')
param monitorDnsZones array

module monitoring 'monitoring.bicep' = {
  name: 'monitoring'
  params: {
    location: location
    names: names
    retentionInDays: retentionInDays
    privateNetworking: privateNetworking
    tags: tags
  }
}

module storage 'storage.bicep' = {
  name: 'storage'
  params: {
    location: location
    accountName: names.storageAccount
    skuName: storageSku
    deploymentContainerName: deploymentContainerName
    tableNames: [
      registryTable
      'collectionruns'
    ]
    queueNames: [
      'collection-shards'
      'collection-shards-poison'
    ]
    appIdentityName: names.appIdentity
    workspaceName: names.workspace
    privateNetworking: privateNetworking
    tags: tags
  }
  dependsOn: [
    monitoring
  ]
}

module vault 'key_vault.bicep' = {
  name: 'key-vault'
  params: {
    location: location
    vaultName: names.keyVault
    secretNames: secretNames
    notificationSignature: notificationSignature
    publisherCredential: publisherCredential
    appIdentityName: names.appIdentity
    workspaceName: names.workspace
    privateNetworking: privateNetworking
    tags: tags
  }
  dependsOn: [
    monitoring
  ]
}

module privateAccess 'private_access.bicep' = if (privateNetworking) {
  name: 'private-access'
  params: {
    location: location
    names: names
    resourceToken: resourceToken
    addressPrefixes: addressPrefixes
    monitorDnsZones: monitorDnsZones
    tags: tags
  }
  dependsOn: [
    monitoring
    storage
    vault
  ]
}

@description('Workspace id for queries (a GUID).')
output workspaceCustomerId string = monitoring.outputs.customerId
