// Locks against deleting what cannot be made again: the worker's storage account, the vault and the workspace. They stop the
// resource manager alone: whoever may write data can still delete rows, tables and blobs.

@description('Name of the worker\'s storage account.')
param accountName string

@description('Name of the key vault.')
param vaultName string

@description('Name of the workspace.')
param workspaceName string

var level = 'CanNotDelete'
var lockName = 'not-deleted-by-mistake'
var notes = 'Remove this lock before the installation is removed (docs/operations.md, Restore registry and ledger).'

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: accountName
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource accountLock 'Microsoft.Authorization/locks@2020-05-01' = {
  scope: account
  name: lockName
  properties: {
    level: level
    notes: notes
  }
}

resource vaultLock 'Microsoft.Authorization/locks@2020-05-01' = {
  scope: vault
  name: lockName
  properties: {
    level: level
    notes: notes
  }
}

resource workspaceLock 'Microsoft.Authorization/locks@2020-05-01' = {
  scope: workspace
  name: lockName
  properties: {
    level: level
    notes: notes
  }
}
