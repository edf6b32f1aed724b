// Deploys everything the product needs into one resource group of the publisher's subscription.
targetScope = 'subscription'

@description('Name of the environment (test, production): part of the name of the resource group, and what makes names unique.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('Azure region. It must offer Azure Functions on Flex Consumption: az functionapp list-flexconsumption-locations.')
@minLength(1)
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Tenant of the publisher\'s app registration. Empty: the tenant of this subscription; federated mode takes no other.')
@maxLength(36)
param publisherTenantId string = ''

@description('Application (client) id of the publisher\'s app registration, whose service principal the plan authorizes.')
@minLength(36)
@maxLength(36)
param publisherClientId string

@description('How the app proves to be that service principal. federated: by its managed identity, without any secret.')
@allowed([
  'federated'
  'certificate'
  'secret'
])
param credentialKind string = 'federated'

@description('Client secret, or certificate with private key (base64 of a PFX without password). Empty: federated, or keep what the vault holds.')
@secure()
param publisherCredential string = ''

@description('Day on which the client secret expires, as in 2027-06-30: an alert tells a month before. Empty: nobody is told.')
@maxLength(10)
param publisherCredentialExpiresOn string = ''

@description('Random value that the notification URL carries as sig. During a rotation: new value, comma, old value.')
@secure()
@minLength(32)
@maxLength(256)
param notificationSignature string

@description('What counts as yours: publisher/product of each offer and the resource id of each service-catalog definition, separated by commas; or only *.')
@minLength(1)
@maxLength(8000)
param offers string

@description('E-mail address that every alert goes to.')
@minLength(6)
@maxLength(254)
param alertEmail string

@description('Further e-mail addresses.')
param additionalAlertEmails array = []

@description('Webhooks that get every alert in the common alert schema (Teams workflow, Logic App, ITSM), separated by commas.')
@secure()
param alertWebhookUris string = ''

@description('Webhooks that get every alert and are protected by Microsoft Entra ID: objects with serviceUri, objectId, identifierUri and tenantId, see docs/tickets.md.')
param alertSecureWebhooks array = []

@description('Also send a digest on Monday mornings: what is overdue, what ends within a week, who could not be read.')
param weeklyDigest bool = true

@description('Name-value pairs added to every alert; a value may take a field of the alert, see docs/operations.md.')
param alertCustomProperties object = {}

@description('Address of this repository as people open it in a browser: alerts link to its docs/operations.md. Empty: they name the section.')
@maxLength(500)
param repositoryUrl string = ''

@description('Resource id of a test application with one resource that is broken on purpose: an alert tells when it is not reported. Empty: no such watch.')
@maxLength(1000)
param canaryApplicationId string = ''

@description('Also alert when anyone elevates to User Access Administrator at the root of the tenant (needs one role, see docs/parameters.md).')
param alertOnElevatedAccess bool = false

@description('How often policy states are collected. When an alert calls the collector silent follows from it.')
@allowed([
  'PT15M'
  'PT30M'
  'PT1H'
  'PT2H'
  'PT3H'
  'PT4H'
  'PT6H'
  'PT12H'
])
param collectionInterval string = 'PT1H'

@description('When Azure Resource Graph is asked whose collection to bring forward (NCRONTAB, more often than the collection). Empty: never.')
@maxLength(100)
param probeSchedule string = ''

@description('nightly: every subscription that the service principal sees is searched for applications that nobody told of, and they are registered. off: only python -m operations discover does that.')
@allowed([
  'nightly'
  'off'
])
param discovery string = 'nightly'

@description('inline: one invocation reads every application. fan-out: a queue spreads them over instances.')
@allowed([
  'inline'
  'fan-out'
])
param collectionMode string = 'inline'

@description('detailed: one row per compliant resource. summarised: one counted row per policy, which costs less.')
@allowed([
  'detailed'
  'summarised'
])
param compliantStates string = 'detailed'

@description('changed: an application\'s states are uploaded when they changed, and once in 20 hours. all: in every run.')
@allowed([
  'changed'
  'all'
])
param uploadedStates string = 'changed'

@description('Rows of policy states that one application may have in an upload: violations first, and what is above is counted and not uploaded.')
@minValue(1)
@maxValue(1000000)
param maxRowsPerApplication int = 20000

@description('Hours that the policy query looks back.')
@minValue(25)
@maxValue(720)
param statesWindowHours int = 48

@description('Applications read at the same time by one invocation.')
@minValue(1)
@maxValue(512)
param maxConcurrentApplications int = 32

@description('Applications of one subscription read at the same time.')
@minValue(1)
@maxValue(64)
param maxConcurrentPerSubscription int = 4

@description('Application (client) id of the API\'s own app registration, see docs/api.md. Empty: neither API nor operations page.')
@maxLength(36)
param apiClientId string = ''

@description('Client ids of the applications and managed identities that may call the API, separated by commas.')
@maxLength(8000)
param apiAllowedClients string = ''

@description('Seconds that the API keeps what it has read from the workspace.')
@minValue(0)
@maxValue(3600)
param apiCacheSeconds int = 60

@description('Days that one query of an API caller may look at.')
@minValue(1)
@maxValue(730)
param queryMaxDays int = 93

@description('Rows that one query of an API caller may return.')
@minValue(1)
@maxValue(500000)
param queryMaxRows int = 5000

@description('Megabytes that one query of an API caller may return.')
@minValue(1)
@maxValue(64)
param queryMaxMegabytes int = 8

@description('Seconds that one query of an API caller may run.')
@minValue(1)
@maxValue(180)
param queryMaxSeconds int = 50

@description('Memory of one instance in MB.')
@allowed([
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('Most instances that the platform may run at once.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Redundancy of the storage account.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_GZRS'
])
param storageSku string = 'Standard_LRS'

@description('Days that Log Analytics keeps the rows.')
@minValue(30)
@maxValue(730)
param retentionInDays int = 90

@description('Gigabytes that the workspace takes in a day; then it takes nothing until the next one, and alerts tell. -1: as many as come.')
@minValue(-1)
@maxValue(100000)
param dailyCapGigabytes int = 5

@description('Amount of a month for the resource group, in the currency of the bill: e-mails tell when it is nearly spent. 0: no budget.')
@minValue(0)
param monthlyBudget int = 0

@description('First day of the month in which the budget begins, as in 2027-01-01. Never changed afterwards: another day is another budget.')
@maxLength(10)
param budgetStart string = ''

@description('Days that daily exports of registry and ledger are kept, and after that what was deleted of them.')
@minValue(7)
@maxValue(365)
param exportRetentionInDays int = 35

@description('Lock the worker\'s storage account, the vault and the workspace against being deleted. The deploying identity needs Microsoft.Authorization/locks/write.')
param deleteLocks bool = false

@description('Days that Log Analytics keeps the rows of the audit table: who asked the API for what, who ran which command.')
@minValue(30)
@maxValue(730)
param auditRetentionInDays int = 365

@description('True: storage, vault and workspace are reachable through private endpoints only. The webhook stays public.')
param privateNetworking bool = false

@description('Private mode: public addresses or ranges (IPv4) that packages are deployed from, separated by commas. Nobody else reaches the deployment sites.')
@maxLength(4000)
param deploymentSources string = ''

@description('Private mode: address ranges, network, appSubnet, workerSubnet and apiSubnet (each /27 or larger), endpointsSubnet; operators: ranges that may reach the endpoints.')
param addressPrefixes object = {
  network: '10.90.0.0/24'
  appSubnet: '10.90.0.0/26'
  endpointsSubnet: '10.90.0.64/26'
  workerSubnet: '10.90.0.128/26'
  apiSubnet: '10.90.0.192/26'
  operators: []
}

@description('Endpoints of the cloud that environment() does not know. Change it only for a cloud that infra/clouds.json does not list.')
param cloud object = loadJsonContent('clouds.json')[environment().name]

@description('Tags of every resource.')
param tags object = {}

var abbreviations = loadJsonContent('abbreviations.json')
var resourceToken = toLower(uniqueString(subscription().id, environmentName, location))
var groupName = '${abbreviations.resourceGroup}${environmentName}'

// Modules are given names and look the rest up: a preview cannot look into a module that is given what another one puts out.
var names = {
  actionGroup: '${abbreviations.actionGroup}${resourceToken}'
  alertsIdentity: '${abbreviations.managedIdentity}alerts-${resourceToken}'
  applicationInsights: '${abbreviations.applicationInsights}${resourceToken}'
  auditRule: '${abbreviations.dataCollectionRule}api-${resourceToken}'
  dataCollectionEndpoint: '${abbreviations.dataCollectionEndpoint}${resourceToken}'
  dataCollectionRule: '${abbreviations.dataCollectionRule}${resourceToken}'
  keyVault: '${abbreviations.keyVault}${resourceToken}'
  natGateway: '${abbreviations.natGateway}${resourceToken}'
  network: '${abbreviations.virtualNetwork}${resourceToken}'
  privateLinkScope: '${abbreviations.privateLinkScope}${resourceToken}'
  publicIp: '${abbreviations.publicIp}${resourceToken}'
  queryPack: '${abbreviations.queryPack}${resourceToken}'
  workspace: '${abbreviations.workspace}${resourceToken}'
}
var queueNames = {
  notifications: 'notifications'
  shards: 'collection-shards'
}
var registryTable = 'applications'

// One app for each role, with a plan, an identity and a storage account of its own. The front has the names that the single
// app had before there were three: its address stands in the plans, and its keys live in its storage account.
var front = {
  role: 'front'
  functionApp: '${abbreviations.functionApp}${resourceToken}'
  functionPlan: '${abbreviations.functionPlan}${resourceToken}'
  identity: '${abbreviations.managedIdentity}app-${resourceToken}'
  storageAccount: '${abbreviations.storageAccount}${resourceToken}'
  endpointPrefix: '${abbreviations.privateEndpoint}${resourceToken}-'
  subnet: 'app'
  isCalled: true
  storageServices: [
    'blob'
  ]
  tables: []
  queues: []
}
var worker = {
  role: 'worker'
  functionApp: '${abbreviations.functionApp}worker-${resourceToken}'
  functionPlan: '${abbreviations.functionPlan}worker-${resourceToken}'
  identity: '${abbreviations.managedIdentity}worker-${resourceToken}'
  storageAccount: '${abbreviations.storageAccount}worker${resourceToken}'
  endpointPrefix: '${abbreviations.privateEndpoint}${resourceToken}-worker-'
  subnet: 'worker'
  isCalled: false
  storageServices: [
    'blob'
    'queue'
    'table'
  ]
  tables: [
    registryTable
    'collectionruns'
    'pending'
    'verdicts'
  ]
  queues: [
    queueNames.notifications
    '${queueNames.notifications}-poison'
    queueNames.shards
  ]
}
var api = {
  role: 'api'
  functionApp: '${abbreviations.functionApp}api-${resourceToken}'
  functionPlan: '${abbreviations.functionPlan}api-${resourceToken}'
  identity: '${abbreviations.managedIdentity}api-${resourceToken}'
  storageAccount: '${abbreviations.storageAccount}api${resourceToken}'
  endpointPrefix: '${abbreviations.privateEndpoint}${resourceToken}-api-'
  subnet: 'api'
  isCalled: true
  storageServices: [
    'blob'
  ]
  tables: []
  queues: []
}
// Switched off means not deployed.
var hasApi = !empty(apiClientId)
var apps = concat([
  front
  worker
], hasApi ? [
  api
] : [])
// Positions in the list.
var frontApp = 0
var workerApp = 1
var apiApp = 2

var secretNames = {
  credential: 'publisher-credential'
  signature: 'notification-signature'
}
var deploymentContainerName = 'deployments'
var tenantId = empty(publisherTenantId) ? subscription().tenantId : publisherTenantId
// Alert rules can ask Resource Graph neither over a private link nor in every cloud.
var canAskResourceGraph = !privateNetworking && cloud.resourceGraphInAlerts
var interval = any(loadJsonContent('alert_rules.json')).collectionIntervals[collectionInterval]
var allTags = union(tags, {
  'azd-env-name': environmentName
})

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: groupName
  location: location
  tags: allTags
}

module identities 'modules/identity.bicep' = [for app in apps: {
  name: 'identity-${app.role}'
  scope: group
  params: {
    location: location
    identityName: app.identity
    tags: allTags
  }
}]

// Rules without an identity run with the permissions of whoever edited them last, and stop when that person leaves.
module alertsIdentity 'modules/identity.bicep' = {
  name: 'identity-alerts'
  scope: group
  params: {
    location: location
    identityName: names.alertsIdentity
    tags: allTags
  }
}

module foundation 'modules/foundation.bicep' = {
  name: 'foundation'
  scope: group
  params: {
    location: location
    names: names
    apps: apps
    front: front
    worker: worker
    notificationsQueue: queueNames.notifications
    resourceToken: resourceToken
    tags: allTags
    deploymentContainerName: deploymentContainerName
    secretNames: secretNames
    credentialKind: credentialKind
    publisherCredential: publisherCredential
    notificationSignature: notificationSignature
    storageSku: storageSku
    retentionInDays: {
      rows: retentionInDays
      audit: auditRetentionInDays
      exports: exportRetentionInDays
    }
    dailyCapGigabytes: dailyCapGigabytes
    privateNetworking: privateNetworking
    addressPrefixes: addressPrefixes
    monitorDnsZones: cloud.monitorDnsZones
  }
  dependsOn: [
    identities
    alertsIdentity
  ]
}

module locks 'modules/delete_locks.bicep' = if (deleteLocks) {
  name: 'delete-locks'
  scope: group
  params: {
    accountName: worker.storageAccount
    vaultName: names.keyVault
    workspaceName: names.workspace
  }
  dependsOn: [
    foundation
  ]
}

module functionApps 'modules/function_app.bicep' = [for app in apps: {
  name: 'function-app-${app.role}'
  scope: group
  params: {
    location: location
    app: app
    deploymentContainerUri: 'https://${app.storageAccount}.blob.${environment().suffixes.storage}/${deploymentContainerName}'
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    networkName: privateNetworking ? names.network : ''
    deploymentSources: empty(deploymentSources) ? [] : split(replace(deploymentSources, ' ', ''), ',')
    tags: allTags
  }
  dependsOn: [
    foundation
  ]
}]

module settings 'modules/app_settings.bicep' = [for app in apps: {
  name: 'app-settings-${app.role}'
  scope: group
  params: {
    app: app
    names: names
    secretNames: secretNames
    notificationsAccount: worker.storageAccount
    publisher: {
      tenantId: tenantId
      clientId: publisherClientId
      credentialKind: credentialKind
      credentialExpiresOn: publisherCredentialExpiresOn
      offers: offers
    }
    registryTable: registryTable
    monitorAudience: cloud.monitorAudience
    collection: {
      schedule: interval.schedule
      probeSchedule: probeSchedule
      discovery: discovery
      mode: collectionMode
      compliantStates: compliantStates
      uploadedStates: uploadedStates
      maxRowsPerApplication: maxRowsPerApplication
      statesWindowHours: statesWindowHours
      maxConcurrentApplications: maxConcurrentApplications
      maxConcurrentPerSubscription: maxConcurrentPerSubscription
      canaryApplicationId: canaryApplicationId
    }
    api: {
      clientId: apiClientId
      allowedClients: apiAllowedClients
      queryEndpoint: cloud.logAnalyticsEndpoint
      // One run may be late or lost before the API calls its figures old.
      staleAfterMinutes: interval.minutes * 5 / 2
      cacheSeconds: apiCacheSeconds
      queryLimits: {
        days: queryMaxDays
        rows: queryMaxRows
        megabytes: queryMaxMegabytes
        seconds: queryMaxSeconds
      }
    }
  }
  dependsOn: [
    functionApps
    apiWritesAuditRows
  ]
}]

module signIn 'modules/easy_auth.bicep' = if (hasApi) {
  name: 'sign-in'
  scope: group
  params: {
    appName: api.functionApp
    tenantId: tenantId
    apiClientId: apiClientId
    allowedClientIds: empty(apiAllowedClients) ? [] : split(replace(apiAllowedClients, ' ', ''), ',')
  }
  dependsOn: [
    settings
  ]
}

module apiReadsTables 'modules/tables_reader.bicep' = if (hasApi) {
  name: 'api-reads-tables'
  scope: group
  params: {
    workspaceName: names.workspace
    identityName: api.identity
  }
  dependsOn: [
    foundation
  ]
}

module apiWritesAuditRows 'modules/audit_rule.bicep' = if (hasApi) {
  name: 'api-writes-audit-rows'
  scope: group
  params: {
    location: location
    workspaceName: names.workspace
    endpointName: names.dataCollectionEndpoint
    ruleName: names.auditRule
    identityName: api.identity
    tags: allTags
  }
  dependsOn: [
    foundation
  ]
}

// The identities' tenant is the tenant of this subscription; both app registrations must be there too. The credential is written
// as a Python dictionary, which az takes as well as JSON: double quotes outside and single quotes inside mean the same to bash,
// zsh, PowerShell and cmd. The publisher's registration trusts the worker alone, the API's registration the api alone.
var createTrust = 'az ad app federated-credential create --id'
var trustIssuer = '${environment().authentication.loginEndpoint}${subscription().tenantId}/v2.0'
var trustBefore = '"{\'name\': \'compliance-collector-${environmentName}\', \'issuer\': \'${trustIssuer}\', \'subject\': \''
var trustAfter = '\', \'audiences\': [\'${cloud.tokenExchangeAudience}\']}"'

module observation 'modules/observation.bicep' = {
  name: 'observation'
  scope: group
  params: {
    location: location
    environmentName: environmentName
    names: names
    apps: {
      front: front
      worker: worker
      api: hasApi ? api : {}
    }
    spokenOf: {
      signatureSecret: secretNames.signature
      credentialSecret: secretNames.credential
      notificationsQueue: queueNames.notifications
      deploymentContainer: deploymentContainerName
    }
    tags: allTags
    collection: {
      interval: collectionInterval
      isProbed: !empty(probeSchedule)
    }
    alertEmail: alertEmail
    additionalAlertEmails: additionalAlertEmails
    alertWebhookUris: alertWebhookUris
    alertSecureWebhooks: alertSecureWebhooks
    weeklyDigest: weeklyDigest
    context: {
      operationsApp: hasApi ? api.functionApp : ''
      runbook: '${empty(repositoryUrl) ? '' : '${repositoryUrl}/blob/main/'}docs/operations.md'
      customProperties: alertCustomProperties
    }
    dailyCapGigabytes: dailyCapGigabytes
    alertOnElevatedAccess: alertOnElevatedAccess && canAskResourceGraph
  }
  dependsOn: [
    foundation
    // Alerts link to the operations page.
    functionApps
  ]
}

module budget 'modules/budget.bicep' = if (monthlyBudget > 0) {
  name: 'budget'
  scope: group
  params: {
    environmentName: environmentName
    monthlyBudget: monthlyBudget
    budgetStart: budgetStart
    alertEmail: alertEmail
  }
}

@description('Resource group of the installation.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Name of the app that answers the webhook.')
output FRONT_APP_NAME string = front.functionApp

@description('Name of the app that collects; it answers nobody.')
output WORKER_APP_NAME string = worker.functionApp

@description('Name of the app of the API and the operations page (empty without API).')
output API_APP_NAME string = hasApi ? api.functionApp : ''

@description('Whether there is an API: azd deploys its app only then (azure.yaml).')
output HAS_API bool = hasApi

@description('Notification endpoint without its two secrets: code (function key) and sig (signature).')
output NOTIFICATION_ENDPOINT string = 'https://${functionApps[frontApp].outputs.hostName}/api'

@description('Name of the key vault.')
output KEY_VAULT_NAME string = names.keyVault

@description('Name of the storage account that holds the registry: the worker\'s.')
output STORAGE_ACCOUNT_NAME string = worker.storageAccount

@description('Name of the front\'s storage account, which held the registry while there was one app.')
output FRONT_STORAGE_ACCOUNT_NAME string = front.storageAccount

@description('Workspace id for queries (a GUID).')
output LOG_ANALYTICS_WORKSPACE_ID string = foundation.outputs.workspaceCustomerId

@description('Name of the worker\'s identity.')
output WORKER_IDENTITY_NAME string = worker.identity

@description('Object id of the worker\'s identity: the subject of the federated credential.')
output WORKER_IDENTITY_PRINCIPAL_ID string = identities[workerApp].outputs.principalId

@description('Object id of the front\'s identity, which no app registration may trust.')
output FRONT_IDENTITY_PRINCIPAL_ID string = identities[frontApp].outputs.principalId

@description('Object id of the api\'s identity: the subject of the credential for sign-in (empty without API).')
output API_IDENTITY_PRINCIPAL_ID string = hasApi ? identities[apiApp].outputs.principalId : ''

@description('Object id of the identity that runs the alert queries.')
output ALERTS_IDENTITY_PRINCIPAL_ID string = alertsIdentity.outputs.principalId

@description('Command that makes the app registration trust the worker (federated mode; empty otherwise).')
output FEDERATED_CREDENTIAL_COMMAND string = credentialKind == 'federated' ? '${createTrust} ${publisherClientId} --parameters ${trustBefore}${identities[workerApp].outputs.principalId}${trustAfter}' : ''

@description('Command that makes the API\'s app registration trust the api, so that people can sign in (empty without API).')
output API_FEDERATED_CREDENTIAL_COMMAND string = hasApi ? '${createTrust} ${apiClientId} --parameters ${trustBefore}${identities[apiApp].outputs.principalId}${trustAfter}' : ''

@description('Address that Microsoft Entra ID sends people back to: a redirect URI of the API\'s app registration (empty without API).')
output API_REDIRECT_URI string = hasApi ? 'https://${functionApps[apiApp].outputs.hostName}/.auth/login/aad/callback' : ''

@description('Address of the API (empty without API).')
output API_ENDPOINT string = hasApi ? 'https://${functionApps[apiApp].outputs.hostName}/api' : ''

@description('Where people sign in and then see the operations page (empty without API).')
output OPERATIONS_PAGE string = hasApi ? 'https://${functionApps[apiApp].outputs.hostName}/.auth/login/aad?post_login_redirect_uri=/api/dashboard' : ''

@description('What was asked for and left out, with the reason.')
output NOTES array = alertOnElevatedAccess && !canAskResourceGraph ? [
  'alertOnElevatedAccess (ALERT_ON_ELEVATED_ACCESS): left out. Alert rules cannot query Azure Resource Graph over a private link or in this cloud.'
] : []
