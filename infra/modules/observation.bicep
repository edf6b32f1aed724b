// What people look at and are woken by: action group, alert rules, workbook, saved queries.

@description('Azure region.')
param location string

@description('Name of the environment; shown in the names that people see.')
param environmentName string

@description('Part of the names that makes them unique.')
param resourceToken string

@description('Tags of every resource.')
param tags object

@description('How often the collector runs.')
param collectionInterval string

@description('E-mail address that every alert goes to.')
param alertEmail string

@description('Further e-mail addresses.')
param additionalAlertEmails array

@description('Webhooks that get every alert, separated by commas.')
@secure()
param alertWebhookUris string

@description('Name-value pairs added to every alert.')
param alertCustomProperties object

@description('Also watch the root scope of the tenant.')
param alertOnElevatedAccess bool

@description('Resource id of the workspace.')
param workspaceId string

@description('Object id of the function app\'s identity.')
param appPrincipalId string

@description('Resource id of the identity that runs the alert queries.')
param alertsIdentityId string

var abbreviations = loadJsonContent('../abbreviations.json')
var rulePrefix = '${abbreviations.alertRule}${environmentName}-'

module actionGroup 'action_group.bicep' = {
  name: 'action-group'
  params: {
    actionGroupName: '${abbreviations.actionGroup}${resourceToken}'
    alertEmail: alertEmail
    additionalEmails: additionalAlertEmails
    webhookUris: alertWebhookUris
    tags: tags
  }
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  params: {
    location: location
    collectionInterval: collectionInterval
    namePrefix: rulePrefix
    customProperties: alertCustomProperties
    identityId: alertsIdentityId
    workspaceId: workspaceId
    actionGroupId: actionGroup.outputs.actionGroupId
    tags: tags
  }
}

module vaultAlert 'vault_alert.bicep' = {
  name: 'vault-alert'
  params: {
    location: location
    namePrefix: rulePrefix
    appPrincipalId: appPrincipalId
    customProperties: alertCustomProperties
    identityId: alertsIdentityId
    workspaceId: workspaceId
    actionGroupId: actionGroup.outputs.actionGroupId
    tags: tags
  }
}

module elevationAlert 'elevation_alert.bicep' = if (alertOnElevatedAccess) {
  name: 'elevation-alert'
  params: {
    location: location
    namePrefix: rulePrefix
    customProperties: alertCustomProperties
    identityId: alertsIdentityId
    workspaceId: workspaceId
    actionGroupId: actionGroup.outputs.actionGroupId
    tags: tags
  }
}

module workbook 'workbook.bicep' = {
  name: 'workbook'
  params: {
    location: location
    displayName: 'Managed application compliance (${environmentName})'
    workspaceId: workspaceId
    tags: tags
  }
}

module queryPack 'query_pack.bicep' = {
  name: 'query-pack'
  params: {
    location: location
    queryPackName: '${abbreviations.queryPack}${resourceToken}'
    tags: tags
  }
}
