// Every app setting, in one place: what the product's code reads (publisher/settings.py) and what the Functions host needs.

@description('Name of the function app.')
param appName string

@description('Names of the resources that the settings speak of: appIdentity, applicationInsights, dataCollectionEndpoint, dataCollectionRule, keyVault, storageAccount, workspace.')
param names object

@description('Names of the secrets in the vault: signature, credential.')
param secretNames object

@description('How the app proves to be the publisher\'s service principal.')
@allowed([
  'federated'
  'certificate'
  'secret'
])
param credentialKind string

@description('Tenant of the publisher\'s app registration.')
param publisherTenantId string

@description('Client id of the publisher\'s app registration.')
param publisherClientId string

@description('Day on which the client secret expires, as in 2027-06-30; empty: nobody is told.')
param credentialExpiresOn string

@description('Name of the registry table.')
param registryTable string

@description('Audience of Azure Monitor in this cloud.')
param monitorAudience string

@description('What the collector does: schedule, mode, compliantStates, statesWindowHours, maxConcurrentApplications, maxConcurrentPerSubscription, canaryApplicationId.')
param collection object

@description('The API: clientId (empty: no API), allowedClients, queryEndpoint, staleAfterMinutes, cacheSeconds, and the limits of callers\' queries (days, rows, megabytes, seconds).')
param api object

resource app 'Microsoft.Web/sites@2024-04-01' existing = {
  name: appName
}

resource appIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: names.appIdentity
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: names.applicationInsights
}

resource endpoint 'Microsoft.Insights/dataCollectionEndpoints@2023-03-11' existing = {
  name: names.dataCollectionEndpoint
}

resource rule 'Microsoft.Insights/dataCollectionRules@2023-03-11' existing = {
  name: names.dataCollectionRule
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: names.workspace
}

// Addresses are put together where a name is enough: a preview of the deployment can then show them.
var secretAddress = 'https://${names.keyVault}${environment().suffixes.keyvaultDns}/secrets/'
var signatureReference = '@Microsoft.KeyVault(SecretUri=${secretAddress}${secretNames.signature})'
var credentialReference = '@Microsoft.KeyVault(SecretUri=${secretAddress}${secretNames.credential})'
var storageSuffix = environment().suffixes.storage
var appClientId = appIdentity.properties.clientId

var credentialSettings = {
  federated: {
    PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID: appClientId
  }
  certificate: {
    AZURE_CLIENT_CERTIFICATE: credentialReference
  }
  secret: {
    AZURE_CLIENT_SECRET: credentialReference
    AZURE_CLIENT_SECRET_EXPIRES_ON: credentialExpiresOn
  }
}

var productSettings = {
  AZURE_TENANT_ID: publisherTenantId
  AZURE_CLIENT_ID: publisherClientId
  MANAGED_IDENTITY_CLIENT_ID: appClientId
  AZURE_AUTHORITY_HOST: environment().authentication.loginEndpoint
  AZURE_RESOURCE_MANAGER_ENDPOINT: environment().resourceManager
  MONITOR_AUDIENCE: monitorAudience
  TABLE_NAME: registryTable
  DATA_COLLECTION_ENDPOINT: endpoint.properties.logsIngestion.endpoint
  DATA_COLLECTION_IMMUTABLE_ID: rule.properties.immutableId
  STREAM_NAME: 'Custom-${loadJsonContent('../tables/PolicyComplianceStates_CL.json').name}'
  RESULTS_STREAM_NAME: 'Custom-${loadJsonContent('../tables/PolicyCollectionResults_CL.json').name}'
  RUNS_STREAM_NAME: 'Custom-${loadJsonContent('../tables/PolicyCollectionRuns_CL.json').name}'
  VERDICTS_STREAM_NAME: 'Custom-${loadJsonContent('../tables/PolicyVerdicts_CL.json').name}'
  EVENTS_STREAM_NAME: 'Custom-${loadJsonContent('../tables/ManagedApplicationEvents_CL.json').name}'
  COLLECTION_SCHEDULE: collection.schedule
  COLLECTION_MODE: collection.mode
  COMPLIANT_STATES: collection.compliantStates
  STATES_WINDOW_HOURS: string(collection.statesWindowHours)
  MAX_CONCURRENT_APPLICATIONS: string(collection.maxConcurrentApplications)
  MAX_CONCURRENT_PER_SUBSCRIPTION: string(collection.maxConcurrentPerSubscription)
  CANARY_APPLICATION_ID: collection.canaryApplicationId
  NOTIFICATION_SIGNATURE: signatureReference
}

var apiSettings = {
  API_CLIENT_ID: api.clientId
  API_ALLOWED_CLIENTS: api.allowedClients
  API_STALE_AFTER_MINUTES: string(api.staleAfterMinutes)
  API_CACHE_SECONDS: string(api.cacheSeconds)
  LOG_ANALYTICS_WORKSPACE_ID: workspace.properties.customerId
  LOG_ANALYTICS_ENDPOINT: api.queryEndpoint
  QUERY_MAX_DAYS: string(api.queryLimits.days)
  QUERY_MAX_ROWS: string(api.queryLimits.rows)
  QUERY_MAX_MEGABYTES: string(api.queryLimits.megabytes)
  QUERY_MAX_SECONDS: string(api.queryLimits.seconds)
}

// Read by the platform's sign-in: the identity whose token stands in for a client secret, and the one tenant it lets in.
var signInSettings = {
  OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: appClientId
  WEBSITE_AUTH_AAD_ALLOWED_TENANTS: publisherTenantId
}

// Read by the Functions host; the product's own table and queue clients read the same addresses.
var hostSettings = {
  AzureWebJobsStorage__blobServiceUri: 'https://${names.storageAccount}.blob.${storageSuffix}'
  AzureWebJobsStorage__queueServiceUri: 'https://${names.storageAccount}.queue.${storageSuffix}'
  AzureWebJobsStorage__tableServiceUri: 'https://${names.storageAccount}.table.${storageSuffix}'
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: appClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsights.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${appClientId};Authorization=AAD'
}

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: union(productSettings, hostSettings, credentialSettings[credentialKind], empty(api.clientId) ? {} : union(apiSettings, signInSettings))
}
