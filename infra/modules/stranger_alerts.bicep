// Alerts about whoever is not the one that something is for: a secret of the vault, a storage account, a package, the webhook.

@description('Azure region.')
param location string

@description('Start of the names of the rules.')
param namePrefix string

@description('The apps, as main.bicep describes them: front, worker, and api (empty without one).')
param apps object

@description('Names of what the queries speak of: signatureSecret, credentialSecret, notificationsQueue, deploymentContainer.')
param spokenOf object

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
var hasApi = !empty(apps.api)

// Object ids are put in by log_alert.bicep: they are known at run time only.
var ofSecrets = replace(replace(loadTextContent('../security_alerts/vault_read_by_stranger.kql'), '{signatureSecret}', spokenOf.signatureSecret), '{credentialSecret}', spokenOf.credentialSecret)
var ofQueues = replace(loadTextContent('../security_alerts/storage_written_by_stranger.kql'), '{notificationsQueue}', spokenOf.notificationsQueue)
var ofPackages = replace(loadTextContent('../security_alerts/code_published.kql'), '{deploymentContainer}', spokenOf.deploymentContainer)
var watched = [
  {
    definition: definitions.vaultReadByStranger
    query: ofSecrets
  }
  {
    definition: definitions.storageWrittenByStranger
    query: replace(replace(replace(ofQueues, '{frontAccount}', apps.front.storageAccount), '{workerAccount}', apps.worker.storageAccount), '{apiAccount}', hasApi ? apps.api.storageAccount : 'none')
  }
  {
    definition: definitions.codePublished
    query: replace(replace(replace(ofPackages, '{frontAccount}', apps.front.storageAccount), '{workerAccount}', apps.worker.storageAccount), '{apiAccount}', hasApi ? apps.api.storageAccount : 'none')
  }
  {
    definition: definitions.frontRefusals
    query: replace(loadTextContent('../security_alerts/front_refusals.kql'), '{frontApp}', apps.front.functionApp)
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
    frontIdentityName: apps.front.identity
    workerIdentityName: apps.worker.identity
    apiIdentityName: hasApi ? apps.api.identity : ''
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
