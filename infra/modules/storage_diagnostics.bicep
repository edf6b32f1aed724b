// Access logs of a storage account.

@description('Name of the storage account.')
param accountName string

@description('Whether queues of the account are used.')
param hasQueues bool

@description('Whether tables of the account are used.')
param hasTables bool

@description('Name of the workspace that receives the access logs.')
param workspaceName string

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: accountName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' existing = {
  parent: account
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2023-05-01' existing = {
  parent: account
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices@2023-05-01' existing = {
  parent: account
  name: 'default'
}

// The registry decides who is monitored: every access to it is logged, reads included.
resource tableDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (hasTables) {
  scope: tables
  name: 'to-workspace'
  properties: {
    workspaceId: workspace.id
    logs: [for category in [
      'StorageRead'
      'StorageWrite'
      'StorageDelete'
    ]: {
      category: category
      enabled: true
    }]
  }
}

// The host polls the queue and its leases all day: reads would only cost money.
resource blobDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: blobs
  name: 'to-workspace'
  properties: {
    workspaceId: workspace.id
    logs: [for category in [
      'StorageWrite'
      'StorageDelete'
    ]: {
      category: category
      enabled: true
    }]
  }
}

resource queueDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (hasQueues) {
  scope: queues
  name: 'to-workspace'
  properties: {
    workspaceId: workspace.id
    logs: [
      {
        category: 'StorageWrite'
        enabled: true
      }
    ]
  }
}
