// Lets an identity query the Log Analytics workspace, and nothing else.

@description('Name of the Log Analytics workspace.')
param workspaceName string

@description('Object id of the identity.')
param principalId string

var roleIds = loadJsonContent('../role_ids.json')

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: workspace
  name: guid(workspace.id, principalId, roleIds.logAnalyticsReader)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.logAnalyticsReader)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
