// Alerts about the watch itself, from what Azure tells of it: that a rule fails, is switched off, changed or deleted, and that
// the workspace takes no more rows today, or is about to.

@description('Azure region.')
param location string

@description('Start of the names of the rules.')
param namePrefix string

@description('What every alert is told with, see log_alert.bicep.')
param context object

@description('Name of the identity that runs the query.')
param identityName string

@description('Name of the workspace.')
param workspaceName string

@description('Name of the action group.')
param actionGroupName string

@description('Gigabytes that the workspace takes in a day; -1: there is no cap, and nobody is told before it.')
param dailyCapGigabytes int

@description('Tags of every resource.')
param tags object

var nearCap = any(loadJsonContent('../security_alerts/rules.json')).ingestionNearCap
var capped = any(loadJsonContent('../security_alerts/rules.json')).ingestionCapped

module ingestionCapped 'log_alert.bicep' = {
  name: 'alert-${capped.name}'
  params: {
    location: location
    ruleName: '${namePrefix}${capped.name}'
    displayName: capped.displayName
    ruleDescription: capped.description
    severity: capped.severity
    query: loadTextContent('../security_alerts/ingestion_capped.kql')
    criterion: capped.criterion
    evaluationFrequency: capped.evaluationFrequency
    windowSize: capped.windowSize
    autoMitigate: capped.autoMitigate
    context: context
    identityName: identityName
    workspaceName: workspaceName
    actionGroupName: actionGroupName
    tags: tags
  }
}

module ingestionNearCap 'log_alert.bicep' = if (dailyCapGigabytes > 0) {
  name: 'alert-${nearCap.name}'
  params: {
    location: location
    ruleName: '${namePrefix}${nearCap.name}'
    displayName: nearCap.displayName
    ruleDescription: nearCap.description
    severity: nearCap.severity
    query: replace(loadTextContent('../security_alerts/ingestion_near_cap.kql'), '{dailyCapGigabytes}', string(dailyCapGigabytes))
    criterion: nearCap.criterion
    evaluationFrequency: nearCap.evaluationFrequency
    windowSize: nearCap.windowSize
    autoMitigate: nearCap.autoMitigate
    context: context
    identityName: identityName
    workspaceName: workspaceName
    actionGroupName: actionGroupName
    tags: tags
  }
}

module ruleAlerts 'rule_alerts.bicep' = {
  name: 'rule-alerts'
  params: {
    namePrefix: namePrefix
    runbook: context.runbook
    actionGroupName: actionGroupName
    tags: tags
  }
}
