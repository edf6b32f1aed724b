// Lets an identity query the product's own tables of the workspace, and no other table: neither access logs nor telemetry.

@description('Name of the Log Analytics workspace.')
param workspaceName string

@description('Name of the identity.')
param identityName string

var roles = loadJsonContent('../well_known_ids.json').roles
var tables = {
  states: loadJsonContent('../tables/PolicyComplianceStates_CL.json').name
  results: loadJsonContent('../tables/PolicyCollectionResults_CL.json').name
  runs: loadJsonContent('../tables/PolicyCollectionRuns_CL.json').name
  verdicts: loadJsonContent('../tables/PolicyVerdicts_CL.json').name
  events: loadJsonContent('../tables/ManagedApplicationEvents_CL.json').name
}

// The role gives every table. The condition leaves these: names are compared with upper and lower case.
// Source: learn.microsoft.com/azure/azure-monitor/logs/granular-rbac-log-analytics
var readsNoData = '!(ActionMatches{\'Microsoft.OperationalInsights/workspaces/tables/data/read\'})'
var isTable = '@Resource[Microsoft.OperationalInsights/workspaces/tables:name] StringEquals'
var isOurs = '${isTable} \'${tables.states}\' OR ${isTable} \'${tables.results}\' OR ${isTable} \'${tables.runs}\' OR ${isTable} \'${tables.verdicts}\' OR ${isTable} \'${tables.events}\''

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: identityName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: workspace
  name: guid(workspace.id, identity.id, roles.logAnalyticsDataReader.id)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.logAnalyticsDataReader.id)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    condition: '((${readsNoData}) OR (${isOurs}))'
    conditionVersion: '2.0'
  }
}
