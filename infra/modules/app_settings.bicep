// Every app setting, in one place: what the product's code reads (publisher/settings.py) and what the Functions host needs.
// A module without resources: its output is the settings object.

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

@description('Client id of the function app\'s identity.')
param appClientId string

@description('Addresses and references of the foundation module.')
param addresses object

@description('Name of the registry table.')
param registryTable string

@description('Audience of Azure Monitor in this cloud.')
param monitorAudience string

@description('What the collector does: schedule, mode, compliantStates, statesWindowHours, maxConcurrentApplications, maxConcurrentPerSubscription.')
param collection object

@description('The API: clientId (empty: no API), allowedClients, workspaceId, queryEndpoint, staleAfterMinutes, cacheSeconds, and the limits of callers\' queries (days, rows, megabytes, seconds).')
param api object

var credentialSettings = {
  federated: {
    PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID: appClientId
  }
  certificate: {
    AZURE_CLIENT_CERTIFICATE: addresses.credentialReference
  }
  secret: {
    AZURE_CLIENT_SECRET: addresses.credentialReference
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
  DATA_COLLECTION_ENDPOINT: addresses.ingestionUri
  DATA_COLLECTION_IMMUTABLE_ID: addresses.ruleImmutableId
  STREAM_NAME: addresses.streams.states
  RESULTS_STREAM_NAME: addresses.streams.results
  RUNS_STREAM_NAME: addresses.streams.runs
  EVENTS_STREAM_NAME: addresses.streams.events
  COLLECTION_SCHEDULE: collection.schedule
  COLLECTION_MODE: collection.mode
  COMPLIANT_STATES: collection.compliantStates
  STATES_WINDOW_HOURS: string(collection.statesWindowHours)
  MAX_CONCURRENT_APPLICATIONS: string(collection.maxConcurrentApplications)
  MAX_CONCURRENT_PER_SUBSCRIPTION: string(collection.maxConcurrentPerSubscription)
  NOTIFICATION_SIGNATURE: addresses.signatureReference
}

var apiSettings = {
  API_CLIENT_ID: api.clientId
  API_ALLOWED_CLIENTS: api.allowedClients
  API_STALE_AFTER_MINUTES: string(api.staleAfterMinutes)
  API_CACHE_SECONDS: string(api.cacheSeconds)
  LOG_ANALYTICS_WORKSPACE_ID: api.workspaceId
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
  AzureWebJobsStorage__blobServiceUri: addresses.storageEndpoints.blob
  AzureWebJobsStorage__queueServiceUri: addresses.storageEndpoints.queue
  AzureWebJobsStorage__tableServiceUri: addresses.storageEndpoints.table
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: appClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: addresses.applicationInsightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${appClientId};Authorization=AAD'
}

@description('Names and values of every app setting. Secrets are key vault references.')
output settings object = union(productSettings, hostSettings, credentialSettings[credentialKind], empty(api.clientId) ? {} : union(apiSettings, signInSettings))
