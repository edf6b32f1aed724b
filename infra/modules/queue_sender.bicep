// Lets an identity send messages to one queue: it can neither read nor delete them, nor make another queue.

@description('Name of the storage account that holds the queue.')
param accountName string

@description('Name of the queue.')
param queueName string

@description('Name of the identity.')
param identityName string

var roles = loadJsonContent('../well_known_ids.json').roles

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: identityName
}

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: accountName
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2023-05-01' existing = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2023-05-01' existing = {
  parent: queues
  name: queueName
}

resource sender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: queue
  name: guid(queue.id, identity.id, roles.storageQueueDataMessageSender.id)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataMessageSender.id)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}
