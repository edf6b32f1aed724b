// The storage account of one app: its deployment package and the Functions host's own state; the worker's also holds the
// registry, the ledger and the queues. Shared keys are off.

@description('Azure region.')
param location string

@description('The app, as main.bicep describes it: role, storageAccount, identity, tables, queues.')
param app object

@description('Redundancy of the storage account.')
param skuName string

@description('Name of the blob container that the app runs its package from.')
param deploymentContainerName string

@description('Days that exports of registry and ledger are kept, and whatever was deleted or overwritten beside them.')
param exportRetentionInDays int

@description('Name of the workspace that receives the access logs.')
param workspaceName string

@description('True: no access from public networks.')
param privateNetworking bool

@description('Tags of every resource.')
param tags object

var roles = loadJsonContent('../well_known_ids.json').roles
// Blob Data Owner is what the Functions host needs for its own state.
var appRoles = concat([
  roles.storageBlobDataOwner.id
], empty(app.queues) ? [] : [
  roles.storageQueueDataContributor.id
], empty(app.tables) ? [] : [
  roles.storageTableDataContributor.id
])

var hasTables = !empty(app.tables)
var kept = {
  isVersioningEnabled: true
  deleteRetentionPolicy: {
    enabled: true
    days: exportRetentionInDays
    allowPermanentDelete: false
  }
  containerDeleteRetentionPolicy: {
    enabled: true
    days: exportRetentionInDays
  }
}

resource appIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: app.identity
}

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: app.storageAccount
  location: location
  tags: tags
  sku: {
    name: skuName
  }
  kind: 'StorageV2'
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: privateNetworking ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: privateNetworking ? 'Deny' : 'Allow'
    }
  }
}

// Tables have no soft delete: that is why they are exported, and why the exports must outlive whoever deletes or overwrites
// them. What is deleted softly cannot be purged, by the account's owner of data neither: permanent deletion stays off.
resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: account
  name: 'default'
  properties: hasTables ? kept : {}
}

module exports 'exports.bicep' = if (hasTables) {
  name: 'exports-${app.role}'
  params: {
    accountName: app.storageAccount
    containerName: 'exports'
    retentionInDays: exportRetentionInDays
  }
  dependsOn: [
    blobs
  ]
}

resource deploymentContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = {
  parent: blobs
  name: deploymentContainerName
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2023-05-01' = [for name in app.queues: {
  parent: queues
  name: name
}]

resource tables 'Microsoft.Storage/storageAccounts/tableServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2023-05-01' = [for name in app.tables: {
  parent: tables
  name: name
}]

resource appRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for roleId in appRoles: {
  scope: account
  name: guid(account.id, appIdentity.id, roleId)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
    principalId: appIdentity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}]

module diagnostics 'storage_diagnostics.bicep' = {
  name: 'storage-diagnostics-${app.role}'
  params: {
    accountName: app.storageAccount
    hasQueues: !empty(app.queues)
    hasTables: hasTables
    workspaceName: workspaceName
  }
  dependsOn: [
    blobs
    queues
    tables
  ]
}
