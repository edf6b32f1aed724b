// The product's alert rules, as infra/alert_rules.json and infra/queries/*.kql define them.

@description('Azure region.')
param location string

@description('How often the collector runs: frequencies and windows of the rules follow from it.')
param collectionInterval string

@description('Start of the names of the rules.')
param namePrefix string

@description('Name-value pairs added to every notification.')
param customProperties object

@description('Name of the identity that runs the queries.')
param identityName string

@description('Name of the workspace.')
param workspaceName string

@description('Name of the action group.')
param actionGroupName string

@description('Tags of every resource.')
param tags object

var catalogue = any(loadJsonContent('../alert_rules.json'))

// A rule names its query by the name of its file.
var queries = {
  application_noncompliant: loadTextContent('../queries/application_noncompliant.kql')
  application_unread: loadTextContent('../queries/application_unread.kql')
  application_unregistered: loadTextContent('../queries/application_unregistered.kql')
  assignment_without_states: loadTextContent('../queries/assignment_without_states.kql')
  collector_silent: loadTextContent('../queries/collector_silent.kql')
  deployment_failed: loadTextContent('../queries/deployment_failed.kql')
}

module rules 'log_alert.bicep' = [for rule in catalogue.rules: {
  name: 'alert-${rule.name}'
  params: {
    location: location
    ruleName: '${namePrefix}${rule.name}'
    displayName: rule.displayName
    ruleDescription: rule.description
    severity: rule.severity
    query: queries[rule.query]
    criterion: rule.criterion
    evaluationFrequency: catalogue.timings[rule.timing][collectionInterval].evaluationFrequency
    windowSize: catalogue.timings[rule.timing][collectionInterval].windowSize
    autoMitigate: rule.autoMitigate
    customProperties: customProperties
    identityName: identityName
    workspaceName: workspaceName
    actionGroupName: actionGroupName
    tags: tags
  }
}]
