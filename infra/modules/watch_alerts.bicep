// Alerts about the watch itself and about what it stands on, from what Azure tells of them: that a rule fails, that the workspace
// takes no more rows today, that the data collection rule drops rows, and who changed something in the resource group.

@description('Azure region.')
param location string

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

var definitions = any(loadJsonContent('../security_alerts/rules.json'))
var watched = [
  {
    definition: definitions.ingestionCapped
    query: loadTextContent('../security_alerts/ingestion_capped.kql')
  }
  {
    definition: definitions.rowsDropped
    query: loadTextContent('../security_alerts/rows_dropped.kql')
  }
]

module rules 'log_alert.bicep' = [for item in watched: {
  name: 'alert-${item.definition.name}'
  params: {
    location: location
    ruleName: '${namePrefix}${item.definition.name}'
    displayName: item.definition.displayName
    ruleDescription: item.definition.description
    severity: item.definition.severity
    query: item.query
    criterion: item.definition.criterion
    evaluationFrequency: item.definition.evaluationFrequency
    windowSize: item.definition.windowSize
    autoMitigate: item.definition.autoMitigate
    context: context
    identityName: identityName
    workspaceName: workspaceName
    actionGroupName: actionGroupName
    tags: tags
  }
}]

module ruleAlerts 'rule_alerts.bicep' = {
  name: 'rule-alerts'
  params: {
    namePrefix: namePrefix
    runbook: context.runbook
    actionGroupName: actionGroupName
    tags: tags
  }
}

module activityAlerts 'activity_alerts.bicep' = {
  name: 'activity-alerts'
  params: {
    namePrefix: namePrefix
    runbook: context.runbook
    actionGroupName: actionGroupName
    tags: tags
  }
}
