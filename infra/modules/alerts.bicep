// The product's alert rules, as infra/alert_rules.json and infra/queries/*.kql define them.

@description('Azure region.')
param location string

@description('The collector: interval (how often it runs), isProbed (whether the probe brings collections forward).')
param collection object

@description('Whether the weekly digest is sent. A rule that is switched off stays deployed, because a deployment deletes nothing.')
param weeklyDigest bool

@description('Start of the names of the rules.')
param namePrefix string

@description('What every alert is told with, see log_alert.bicep.')
param context object

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
  alarms_ending: loadTextContent('../queries/alarms_ending.kql')
  application_left_unconfirmed: loadTextContent('../queries/application_left_unconfirmed.kql')
  application_noncompliant: loadTextContent('../queries/application_noncompliant.kql')
  application_not_looked_at: loadTextContent('../queries/application_not_looked_at.kql')
  application_unread: loadTextContent('../queries/application_unread.kql')
  application_unregistered: loadTextContent('../queries/application_unregistered.kql')
  assignment_undecided: loadTextContent('../queries/assignment_undecided.kql')
  canary_missing: loadTextContent('../queries/canary_missing.kql')
  collector_silent: loadTextContent('../queries/collector_silent.kql')
  credential_expiring: loadTextContent('../queries/credential_expiring.kql')
  deployment_failed: loadTextContent('../queries/deployment_failed.kql')
  fleet_in_trouble: loadTextContent('../queries/fleet_in_trouble.kql')
  guard_changed: loadTextContent('../queries/guard_changed.kql')
  guard_noticed: loadTextContent('../queries/guard_noticed.kql')
  intake_unusual: loadTextContent('../queries/intake_unusual.kql')
  registry_not_exported: loadTextContent('../queries/registry_not_exported.kql')
  rows_missing: loadTextContent('../queries/rows_missing.kql')
  weekly_digest: loadTextContent('../queries/weekly_digest.kql')
}

// Stands in a query for the collection interval, which it needs while there is no run yet to tell.
var intervalInQueries = 'let Interval = 12h;'
var interval = 'let Interval = ${catalogue.collectionIntervals[collection.interval].minutes}m;'

module rules 'log_alert.bicep' = [for rule in catalogue.rules: {
  name: 'alert-${rule.name}'
  params: {
    location: location
    ruleName: '${namePrefix}${rule.name}'
    displayName: rule.displayName
    ruleDescription: rule.description
    severity: rule.severity
    query: replace(queries[rule.query], intervalInQueries, interval)
    criterion: rule.criterion
    evaluationFrequency: collection.isProbed && contains(rule, 'probedFrequency') ? rule.probedFrequency : catalogue.timings[rule.timing][collection.interval].evaluationFrequency
    windowSize: catalogue.timings[rule.timing][collection.interval].windowSize
    autoMitigate: rule.autoMitigate
    isEnabled: rule.name != 'weekly-digest' || weeklyDigest
    context: context
    identityName: identityName
    workspaceName: workspaceName
    actionGroupName: actionGroupName
    tags: tags
  }
}]
