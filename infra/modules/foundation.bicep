// What the apps stand on: monitoring, storage, vault and, in the private mode, the network.

@description('Azure region.')
param location string

@description('Names of the resources that the apps share, as main.bicep makes them.')
param names object

@description('The apps, as main.bicep describes them: role, identity, storageAccount, storageServices, tables, queues, subnet, endpointPrefix.')
param apps array

@description('The app of the role front, as it is in apps: it sends to one queue and reads one secret.')
param front object

@description('The app of the role worker, as it is in apps: it collects, and takes what the front sends.')
param worker object

@description('Name of the queue that the front sends to.')
param notificationsQueue string

@description('Part of the names that makes them unique.')
param resourceToken string

@description('Tags of every resource.')
param tags object

@description('Name of the container that holds the deployment package.')
param deploymentContainerName string

@description('Names of the secrets in the vault: signature, credential.')
param secretNames object

@description('How the worker proves to be the publisher: federated, certificate or secret.')
param credentialKind string

@description('Client secret or certificate; empty: keep what the vault holds.')
@secure()
param publisherCredential string

@description('Value that the webhook\'s sig parameter must equal.')
@secure()
param notificationSignature string

@description('Redundancy of the storage accounts.')
param storageSku string

@description('Days that rows, rows of the audit table, and exports of registry and ledger are kept: rows, audit, exports.')
param retentionInDays object

@description('Gigabytes that the workspace takes in a day; -1: as many as come.')
param dailyCapGigabytes int

@description('True: private endpoints only, except for the webhook.')
param privateNetworking bool

@description('Private mode: address ranges network, appSubnet, workerSubnet, apiSubnet, endpointsSubnet, operators.')
param addressPrefixes object

@description('Azure Monitor\'s private DNS zones in this cloud.')
param monitorDnsZones array

var identityNames = [for app in apps: app.identity]

module monitoring 'monitoring.bicep' = {
  name: 'monitoring'
  params: {
    location: location
    names: names
    appIdentityNames: identityNames
    workerIdentityName: worker.identity
    retentionInDays: retentionInDays.rows
    dailyCapGigabytes: dailyCapGigabytes
    auditRetentionInDays: retentionInDays.audit
    privateNetworking: privateNetworking
    tags: tags
  }
}

module storage 'storage.bicep' = [for app in apps: {
  name: 'storage-${app.role}'
  params: {
    location: location
    app: app
    skuName: storageSku
    deploymentContainerName: deploymentContainerName
    exportRetentionInDays: retentionInDays.exports
    workspaceName: names.workspace
    privateNetworking: privateNetworking
    tags: tags
  }
  dependsOn: [
    monitoring
  ]
}]

module sender 'queue_sender.bicep' = {
  name: 'front-sends-notifications'
  params: {
    accountName: worker.storageAccount
    queueName: notificationsQueue
    identityName: front.identity
  }
  dependsOn: [
    storage
  ]
}

module vault 'key_vault.bicep' = {
  name: 'key-vault'
  params: {
    location: location
    vaultName: names.keyVault
    secretNames: secretNames
    notificationSignature: notificationSignature
    credentialKind: credentialKind
    publisherCredential: publisherCredential
    frontIdentityName: front.identity
    workerIdentityName: worker.identity
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
    apps: apps
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
