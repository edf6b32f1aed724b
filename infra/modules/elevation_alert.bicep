// Optional: alert when anyone holds User Access Administrator at the root scope of the publisher's tenant, read from Azure
// Resource Graph. A second rule tells when the first one is blind: its identity needs Reader on the root management group.

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
    definition: definitions.rootAccessElevated
    query: loadTextContent('../security_alerts/root_access_elevated.kql')
  }
  {
    definition: definitions.rootAccessUnseen
    // The root management group is named after its tenant.
    query: replace(loadTextContent('../security_alerts/root_access_unseen.kql'), '{tenantId}', subscription().tenantId)
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
