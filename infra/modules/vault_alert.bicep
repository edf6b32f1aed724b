// Alert on a vault read by an identity that is neither the front's nor the worker's.

@description('Azure region.')
param location string

@description('Start of the name of the rule.')
param namePrefix string

@description('Name of the front\'s identity, which has business in the vault.')
param frontIdentityName string

@description('Name of the worker\'s identity, which has business in the vault unless the federated mode is used.')
param workerIdentityName string

@description('What every alert is told with, see log_alert.bicep.')
param context object

@description('Name of the identity that runs the query.')
param identityName string

@description('Name of the workspace.')
param workspaceName string

@description('Name of the action group.')
param actionGroupName string

@description('Tags of every resource.')
param tags object

var definition = any(loadJsonContent('../security_alerts/rules.json')).vaultReadByStranger

module rule 'log_alert.bicep' = {
  name: 'alert-${definition.name}'
  params: {
    location: location
    ruleName: '${namePrefix}${definition.name}'
    displayName: definition.displayName
    ruleDescription: definition.description
    severity: definition.severity
    query: loadTextContent('../security_alerts/vault_read_by_stranger.kql')
    frontIdentityName: frontIdentityName
    workerIdentityName: workerIdentityName
    criterion: definition.criterion
    evaluationFrequency: definition.evaluationFrequency
    windowSize: definition.windowSize
    autoMitigate: definition.autoMitigate
    context: context
    identityName: identityName
    workspaceName: workspaceName
    actionGroupName: actionGroupName
    tags: tags
  }
}
