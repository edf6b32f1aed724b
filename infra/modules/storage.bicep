// The one storage account: deployment package, registry, shard queue, and the Functions host's own state. Shared keys are off.

@description('Azure region.')
param location string

@description('Name of the storage account.')
@minLength(3)
@maxLength(24)
param accountName string

@description('Redundancy of the storage account.')
param skuName string

@description('Name of the blob container that the function app runs its package from.')
param deploymentContainerName string

@description('Tables that the product uses.')
param tableNames array

@description('Queues that the product uses.')
param queueNames array

@description('Name of the function app\'s identity.')
param appIdentityName string

@description('Name of the workspace that receives the access logs.')
param workspaceName string

@description('True: no access from public networks.')
param privateNetworking bool

@description('Tags of every resource.')
param tags object

var roles = loadJsonContent('../well_known_ids.json').roles
var appRoles = [
  roles.storageBlobDataOwner.id
  roles.storageQueueDataContributor.id
  roles.storageTableDataContributor.id
]

resource appIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: appIdentityName
}

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: accountName
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

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource deploymentContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = {
  parent: blobs
  name: deploymentContainerName
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2023-05-01' = [for name in queueNames: {
  parent: queues
  name: name
}]

resource tables 'Microsoft.Storage/storageAccounts/tableServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2023-05-01' = [for name in tableNames: {
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
  name: 'storage-diagnostics'
  params: {
    accountName: accountName
    workspaceName: workspaceName
  }
  dependsOn: [
    blobs
    queues
    tables
  ]
}
