// Everything that takes the data in and keeps it: workspace, Application Insights, tables, data collection.

@description('Azure region.')
param location string

@description('Name of the Log Analytics workspace.')
param workspaceName string

@description('Part of the other names that makes them unique.')
param resourceToken string

@description('Days that every table keeps its rows.')
@minValue(30)
@maxValue(730)
param retentionInDays int

@description('Object id of the function app\'s identity: it sends rows and telemetry.')
param appPrincipalId string

@description('Object id of the alert rules\' identity: it reads the workspace.')
param alertsPrincipalId string

@description('True: no ingestion and no query from public networks.')
param privateNetworking bool

@description('Name of the Azure Monitor private link scope; used when privateNetworking is true.')
param privateLinkScopeName string

@description('Tags of every resource.')
param tags object

var abbreviations = loadJsonContent('../abbreviations.json')
var definitions = {
  states: loadJsonContent('../tables/PolicyComplianceStates_CL.json')
  results: loadJsonContent('../tables/PolicyCollectionResults_CL.json')
  runs: loadJsonContent('../tables/PolicyCollectionRuns_CL.json')
  events: loadJsonContent('../tables/ManagedApplicationEvents_CL.json')
}

module workspace 'workspace.bicep' = {
  name: 'workspace'
  params: {
    location: location
    workspaceName: workspaceName
    applicationInsightsName: '${abbreviations.applicationInsights}${resourceToken}'
    retentionInDays: retentionInDays
    appPrincipalId: appPrincipalId
    alertsPrincipalId: alertsPrincipalId
    privateNetworking: privateNetworking
    tags: tags
  }
}

module tables 'tables.bicep' = {
  name: 'tables'
  params: {
    workspaceName: workspace.outputs.workspaceName
    definitions: definitions
    retentionInDays: retentionInDays
  }
}

module dataCollection 'data_collection.bicep' = {
  name: 'data-collection'
  params: {
    location: location
    workspaceName: workspace.outputs.workspaceName
    endpointName: '${abbreviations.dataCollectionEndpoint}${resourceToken}'
    ruleName: '${abbreviations.dataCollectionRule}${resourceToken}'
    definitions: definitions
    appPrincipalId: appPrincipalId
    privateNetworking: privateNetworking
    tags: tags
  }
  dependsOn: [
    // A rule that names a table which is not there yet is refused.
    tables
  ]
}

module privateLink 'monitor_private_link.bicep' = if (privateNetworking) {
  name: 'monitor-private-link'
  params: {
    privateLinkScopeName: privateLinkScopeName
    workspaceId: workspace.outputs.workspaceId
    applicationInsightsId: workspace.outputs.applicationInsightsId
    dataCollectionEndpointId: dataCollection.outputs.endpointId
    tags: tags
  }
}

@description('Resource id of the workspace.')
output workspaceId string = workspace.outputs.workspaceId

@description('Name of the workspace.')
output workspaceName string = workspace.outputs.workspaceName

@description('Workspace id that query clients ask for (a GUID).')
output customerId string = workspace.outputs.customerId

@description('Connection string of Application Insights. It holds addresses, no key that is accepted: local authentication is off.')
output applicationInsightsConnectionString string = workspace.outputs.applicationInsightsConnectionString

@description('Address that rows are sent to.')
output ingestionUri string = dataCollection.outputs.ingestionUri

@description('Immutable id of the data collection rule.')
output ruleImmutableId string = dataCollection.outputs.ruleImmutableId

@description('Stream names: states, results, runs, events.')
output streams object = dataCollection.outputs.streams
