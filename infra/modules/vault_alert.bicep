// Alert on a vault read by an identity that is not the function app's.

@description('Azure region.')
param location string

@description('Start of the name of the rule.')
param namePrefix string

@description('Object id of the function app\'s identity: the only one that has business in the vault.')
param appPrincipalId string

@description('Name-value pairs added to every notification.')
param customProperties object

@description('Resource id of the identity that runs the query.')
param identityId string

@description('Resource id of the workspace.')
param workspaceId string

@description('Resource id of the action group.')
param actionGroupId string

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
    query: replace(loadTextContent('../security_alerts/vault_read_by_stranger.kql'), '{appPrincipalId}', appPrincipalId)
    criterion: definition.criterion
    evaluationFrequency: definition.evaluationFrequency
    windowSize: definition.windowSize
    autoMitigate: definition.autoMitigate
    customProperties: customProperties
    identityId: identityId
    workspaceId: workspaceId
    actionGroupId: actionGroupId
    tags: tags
  }
}

@description('Resource id of the rule.')
output ruleId string = rule.outputs.ruleId
