// Lets an identity query the Log Analytics workspace, and nothing else.

@description('Name of the Log Analytics workspace.')
param workspaceName string

@description('Name of the identity.')
param identityName string

var roles = loadJsonContent('../well_known_ids.json').roles

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: identityName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: workspace
  name: guid(workspace.id, identity.id, roles.logAnalyticsReader.id)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.logAnalyticsReader.id)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}
