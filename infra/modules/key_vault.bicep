// Key vault for the webhook's signature and, in certificate or secret mode, the publisher's credential.

@description('Azure region.')
param location string

@description('Name of the key vault.')
@minLength(3)
@maxLength(24)
param vaultName string

@description('Value that the webhook\'s sig parameter must equal; two values separated by a comma during a rotation.')
@secure()
param notificationSignature string

@description('Client secret, or certificate with its private key (base64 of a PFX without password). Empty: what the vault holds stays.')
@secure()
param publisherCredential string

@description('Names of the secrets: signature, credential.')
param secretNames object

@description('How the worker proves to be the publisher: federated, certificate or secret. Federated: it reads no secret.')
param credentialKind string

@description('Name of the front\'s identity: it may read the signature.')
param frontIdentityName string

@description('Name of the worker\'s identity: it may read the credential, where there is one.')
param workerIdentityName string

@description('Name of the workspace that receives the audit log.')
param workspaceName string

@description('True: no access from public networks.')
param privateNetworking bool

@description('Tags of every resource.')
param tags object

var roles = loadJsonContent('../well_known_ids.json').roles

resource frontIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: frontIdentityName
}

resource workerIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: workerIdentityName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: vaultName
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    enabledForDeployment: false
    enabledForDiskEncryption: false
    enabledForTemplateDeployment: false
    publicNetworkAccess: privateNetworking ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: privateNetworking ? 'Deny' : 'Allow'
    }
  }
}

// Secrets are written through the resource manager: the person who deploys needs no role on the vault's data,
// and it works when the vault has no public address.
resource signature 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: secretNames.signature
  tags: tags
  properties: {
    value: notificationSignature
    contentType: 'text/plain'
  }
}

resource credential 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(publisherCredential)) {
  parent: vault
  name: secretNames.credential
  tags: tags
  properties: {
    value: publisherCredential
  }
}

// The one that is written above, or that an earlier deployment wrote.
resource heldCredential 'Microsoft.KeyVault/vaults/secrets@2023-07-01' existing = {
  parent: vault
  name: secretNames.credential
}

resource frontReadsSignature 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: signature
  name: guid(signature.id, frontIdentity.id, roles.keyVaultSecretsUser.id)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser.id)
    principalId: frontIdentity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource workerReadsCredential 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (credentialKind != 'federated') {
  scope: heldCredential
  name: guid(heldCredential.id, workerIdentity.id, roles.keyVaultSecretsUser.id)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser.id)
    principalId: workerIdentity.properties.principalId
    principalType: 'ServicePrincipal'
  }
  dependsOn: [
    credential
  ]
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'to-workspace'
  properties: {
    workspaceId: workspace.id
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      {
        category: 'AuditEvent'
        enabled: true
      }
    ]
  }
}
