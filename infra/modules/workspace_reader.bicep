// Lets an identity query the Log Analytics workspace, and nothing else.

@description('Name of the Log Analytics workspace.')
param workspaceName string

@description('Object id of the identity.')
param principalId string

var roles = loadJsonContent('../well_known_ids.json').roles

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: workspace
  name: guid(workspace.id, principalId, roles.logAnalyticsReader.id)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.logAnalyticsReader.id)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
