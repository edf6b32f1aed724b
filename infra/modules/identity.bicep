// The two identities of the installation: one for the function app, one for the alert rules.

@description('Azure region of the identities.')
param location string

@description('Name of the identity of the function app. The app registration trusts this identity in federated mode.')
param appIdentityName string

@description('Name of the identity that runs the alert rules\' queries.')
param alertsIdentityName string

@description('Tags of every resource.')
param tags object

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: appIdentityName
  location: location
  tags: tags
}

// Rules without an identity run with the permissions of whoever edited them last, and stop when that person leaves.
resource alerts 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: alertsIdentityName
  location: location
  tags: tags
}

@description('Object id of the function app\'s identity: the subject of the federated credential.')
output appPrincipalId string = app.properties.principalId

@description('Object id of the alert rules\' identity.')
output alertsPrincipalId string = alerts.properties.principalId
