// Everything that takes the data in and keeps it: workspace, Application Insights, tables, data collection.

@description('Azure region.')
param location string

@description('Names of the resources: alertsIdentity, applicationInsights, dataCollectionEndpoint, dataCollectionRule, privateLinkScope, workspace.')
param names object

@description('Names of the apps\' identities: each sends telemetry.')
param appIdentityNames array

@description('Name of the worker\'s identity: it sends rows.')
param workerIdentityName string

@description('Days that every table but the audit table keeps its rows.')
@minValue(30)
@maxValue(730)
param retentionInDays int

@description('Days that the audit table keeps its rows.')
@minValue(30)
@maxValue(730)
param auditRetentionInDays int

@description('True: no ingestion and no query from public networks.')
param privateNetworking bool

@description('Tags of every resource.')
param tags object

var definitions = {
  states: loadJsonContent('../tables/PolicyComplianceStates_CL.json')
  results: loadJsonContent('../tables/PolicyCollectionResults_CL.json')
  runs: loadJsonContent('../tables/PolicyCollectionRuns_CL.json')
  verdicts: loadJsonContent('../tables/PolicyVerdicts_CL.json')
  events: loadJsonContent('../tables/ManagedApplicationEvents_CL.json')
}
var auditDefinition = {
  audit: loadJsonContent('../tables/ManagedApplicationAudit_CL.json')
}

module workspace 'workspace.bicep' = {
  name: 'workspace'
  params: {
    location: location
    workspaceName: names.workspace
    applicationInsightsName: names.applicationInsights
    retentionInDays: retentionInDays
    appIdentityNames: appIdentityNames
    alertsIdentityName: names.alertsIdentity
    privateNetworking: privateNetworking
    tags: tags
  }
}

module tables 'tables.bicep' = {
  name: 'tables'
  params: {
    workspaceName: names.workspace
    definitions: definitions
    retentionInDays: retentionInDays
  }
  dependsOn: [
    workspace
  ]
}

// After the others: a workspace takes one change of its schema at a time.
module auditTable 'tables.bicep' = {
  name: 'audit-table'
  params: {
    workspaceName: names.workspace
    definitions: auditDefinition
    retentionInDays: auditRetentionInDays
  }
  dependsOn: [
    tables
  ]
}

module dataCollection 'data_collection.bicep' = {
  name: 'data-collection'
  params: {
    location: location
    workspaceName: names.workspace
    endpointName: names.dataCollectionEndpoint
    ruleName: names.dataCollectionRule
    definitions: union(definitions, auditDefinition)
    workerIdentityName: workerIdentityName
    privateNetworking: privateNetworking
    tags: tags
  }
  dependsOn: [
    // A rule that names a table which is not there yet is refused.
    auditTable
  ]
}

module privateLink 'monitor_private_link.bicep' = if (privateNetworking) {
  name: 'monitor-private-link'
  params: {
    privateLinkScopeName: names.privateLinkScope
    workspaceName: names.workspace
    applicationInsightsName: names.applicationInsights
    dataCollectionEndpointName: names.dataCollectionEndpoint
    tags: tags
  }
  dependsOn: [
    workspace
    dataCollection
  ]
}

@description('Workspace id that query clients ask for (a GUID).')
output customerId string = workspace.outputs.customerId
