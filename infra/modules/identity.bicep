// One identity: of an app, or of the alert rules.

@description('Azure region of the identity.')
param location string

@description('Name of the identity.')
param identityName string

@description('Tags of the identity.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: identityName
  location: location
  tags: tags
}

@description('Object id of the identity.')
output principalId string = identity.properties.principalId
