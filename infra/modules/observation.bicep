// What people look at and are woken by: action group, alert rules, workbook, saved queries.

@description('Azure region.')
param location string

@description('Name of the environment; shown in the names that people see.')
param environmentName string

@description('Names of the resources: actionGroup, alertsIdentity, queryPack, workspace.')
param names object

@description('The apps, as main.bicep describes them: front, worker, and api (empty without one).')
param apps object

@description('Names of what the security alerts speak of, see stranger_alerts.bicep.')
param spokenOf object

@description('Tags of every resource.')
param tags object

@description('The collector: interval (how often it runs), isProbed (whether the probe brings collections forward).')
param collection object

@description('E-mail address that every alert goes to.')
param alertEmail string

@description('Further e-mail addresses.')
param additionalAlertEmails array

@description('Webhooks that get every alert, separated by commas.')
@secure()
param alertWebhookUris string

@description('Webhooks that get every alert and are protected by Microsoft Entra ID: serviceUri, objectId, identifierUri, tenantId of each.')
param alertSecureWebhooks array

@description('Whether the weekly digest is sent.')
param weeklyDigest bool

@description('What every alert is told with, see log_alert.bicep.')
param context object

@description('Also watch the root scope of the tenant.')
param alertOnElevatedAccess bool

var abbreviations = loadJsonContent('../abbreviations.json')
var rulePrefix = '${abbreviations.alertRule}${environmentName}-'

module actionGroup 'action_group.bicep' = {
  name: 'action-group'
  params: {
    actionGroupName: names.actionGroup
    alertEmail: alertEmail
    additionalEmails: additionalAlertEmails
    webhookUris: alertWebhookUris
    secureWebhooks: alertSecureWebhooks
    tags: tags
  }
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  params: {
    location: location
    collection: collection
    weeklyDigest: weeklyDigest
    namePrefix: rulePrefix
    context: context
    identityName: names.alertsIdentity
    workspaceName: names.workspace
    actionGroupName: names.actionGroup
    tags: tags
  }
  dependsOn: [
    actionGroup
  ]
}

module strangerAlerts 'stranger_alerts.bicep' = {
  name: 'stranger-alerts'
  params: {
    location: location
    namePrefix: rulePrefix
    apps: apps
    spokenOf: spokenOf
    context: context
    identityName: names.alertsIdentity
    workspaceName: names.workspace
    actionGroupName: names.actionGroup
    tags: tags
  }
  dependsOn: [
    actionGroup
  ]
}

module elevationAlert 'elevation_alert.bicep' = if (alertOnElevatedAccess) {
  name: 'elevation-alert'
  params: {
    location: location
    namePrefix: rulePrefix
    context: context
    identityName: names.alertsIdentity
    workspaceName: names.workspace
    actionGroupName: names.actionGroup
    tags: tags
  }
  dependsOn: [
    actionGroup
  ]
}

module watchAlerts 'watch_alerts.bicep' = {
  name: 'watch-alerts'
  params: {
    location: location
    namePrefix: rulePrefix
    context: context
    identityName: names.alertsIdentity
    workspaceName: names.workspace
    actionGroupName: names.actionGroup
    tags: tags
  }
  dependsOn: [
    actionGroup
  ]
}

module workbook 'workbook.bicep' = {
  name: 'workbook'
  params: {
    location: location
    displayName: 'Managed application compliance (${environmentName})'
    workspaceName: names.workspace
    tags: tags
  }
}

module queryPack 'query_pack.bicep' = {
  name: 'query-pack'
  params: {
    location: location
    queryPackName: names.queryPack
    tags: tags
  }
}
