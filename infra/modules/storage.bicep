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

@description('Object id of the function app\'s identity.')
param appPrincipalId string

@description('Resource id of the workspace that receives the access logs.')
param workspaceId string

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
  name: guid(account.id, appPrincipalId, roleId)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}]

module diagnostics 'storage_diagnostics.bicep' = {
  name: 'storage-diagnostics'
  params: {
    accountName: account.name
    workspaceId: workspaceId
  }
  dependsOn: [
    blobs
    queues
    tables
  ]
}

@description('Name of the storage account.')
output accountName string = account.name

@description('Resource id of the storage account.')
output accountId string = account.id

@description('Addresses of the blob, queue and table services.')
output endpoints object = {
  blob: account.properties.primaryEndpoints.blob
  queue: account.properties.primaryEndpoints.queue
  table: account.properties.primaryEndpoints.table
}

@description('Address of the container that the deployment package goes to.')
output deploymentContainerUri string = '${account.properties.primaryEndpoints.blob}${deploymentContainerName}'
