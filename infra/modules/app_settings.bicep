// Every app setting, in one place: what the product's code reads and what the Functions host needs. An app gets those of its role.

@description('The app, as main.bicep describes it: role, functionApp, identity, storageAccount, storageServices.')
param app object

@description('Names of the resources that the settings speak of: applicationInsights, auditRule, dataCollectionEndpoint, dataCollectionRule, keyVault, workspace.')
param names object

@description('Names of the secrets in the vault: signature, credential.')
param secretNames object

@description('Name of the storage account with the queue that the front sends to.')
param notificationsAccount string

@description('The publisher: tenantId and clientId of the app registration, credentialKind (federated, certificate or secret), credentialExpiresOn (a day, or empty), offers.')
param publisher object

@description('Name of the registry table.')
param registryTable string

@description('Audience of Azure Monitor in this cloud.')
param monitorAudience string

@description('What the collector does: schedule, probeSchedule, mode, compliantStates, uploadedStates, statesWindowHours, maxConcurrentApplications, maxConcurrentPerSubscription, canaryApplicationId.')
param collection object

@description('The API: clientId, allowedClients, queryEndpoint, staleAfterMinutes, cacheSeconds, and the limits of callers\' queries (days, rows, megabytes, seconds).')
param api object

resource site 'Microsoft.Web/sites@2024-04-01' existing = {
  name: app.functionApp
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: app.identity
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: names.applicationInsights
}

resource endpoint 'Microsoft.Insights/dataCollectionEndpoints@2023-03-11' existing = {
  name: names.dataCollectionEndpoint
}

resource rule 'Microsoft.Insights/dataCollectionRules@2023-03-11' existing = {
  name: app.role == 'api' ? names.auditRule : names.dataCollectionRule
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: names.workspace
}

// Addresses are put together where a name is enough: a preview of the deployment can then show them.
var secretAddress = 'https://${names.keyVault}${environment().suffixes.keyvaultDns}/secrets/'
var credentialReference = '@Microsoft.KeyVault(SecretUri=${secretAddress}${secretNames.credential})'
var storageSuffix = environment().suffixes.storage
var ownClientId = identity.properties.clientId

var credentialSettings = {
  federated: {
    PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID: ownClientId
  }
  certificate: {
    AZURE_CLIENT_CERTIFICATE: credentialReference
  }
  secret: {
    AZURE_CLIENT_SECRET: credentialReference
    AZURE_CLIENT_SECRET_EXPIRES_ON: publisher.credentialExpiresOn
  }
}

var frontSettings = {
  NOTIFICATIONS__queueServiceUri: 'https://${notificationsAccount}.queue.${storageSuffix}'
  NOTIFICATION_SIGNATURE: '@Microsoft.KeyVault(SecretUri=${secretAddress}${secretNames.signature})'
}

var workerSettings = {
  AZURE_TENANT_ID: publisher.tenantId
  AZURE_CLIENT_ID: publisher.clientId
  AZURE_RESOURCE_MANAGER_ENDPOINT: environment().resourceManager
  MONITOR_AUDIENCE: monitorAudience
  OFFERS: publisher.offers
  TABLE_NAME: registryTable
  AzureWebJobsStorage__queueServiceUri: 'https://${app.storageAccount}.queue.${storageSuffix}'
  AzureWebJobsStorage__tableServiceUri: 'https://${app.storageAccount}.table.${storageSuffix}'
  DATA_COLLECTION_ENDPOINT: endpoint.properties.logsIngestion.endpoint
  DATA_COLLECTION_IMMUTABLE_ID: rule.properties.immutableId
  STREAM_NAME: 'Custom-${loadJsonContent('../tables/PolicyComplianceStates_CL.json').name}'
  RESULTS_STREAM_NAME: 'Custom-${loadJsonContent('../tables/PolicyCollectionResults_CL.json').name}'
  RUNS_STREAM_NAME: 'Custom-${loadJsonContent('../tables/PolicyCollectionRuns_CL.json').name}'
  VERDICTS_STREAM_NAME: 'Custom-${loadJsonContent('../tables/PolicyVerdicts_CL.json').name}'
  EVENTS_STREAM_NAME: 'Custom-${loadJsonContent('../tables/ManagedApplicationEvents_CL.json').name}'
  AUDIT_STREAM_NAME: 'Custom-${loadJsonContent('../tables/ManagedApplicationAudit_CL.json').name}'
  COLLECTION_SCHEDULE: collection.schedule
  PROBE_SCHEDULE: collection.probeSchedule
  DISCOVERY: collection.discovery
  COLLECTION_MODE: collection.mode
  COMPLIANT_STATES: collection.compliantStates
  UPLOADED_STATES: collection.uploadedStates
  MAX_ROWS_PER_APPLICATION: string(collection.maxRowsPerApplication)
  STATES_WINDOW_HOURS: string(collection.statesWindowHours)
  MAX_CONCURRENT_APPLICATIONS: string(collection.maxConcurrentApplications)
  MAX_CONCURRENT_PER_SUBSCRIPTION: string(collection.maxConcurrentPerSubscription)
  CANARY_APPLICATION_ID: collection.canaryApplicationId
}

var apiSettings = {
  AZURE_TENANT_ID: publisher.tenantId
  API_CLIENT_ID: api.clientId
  API_ALLOWED_CLIENTS: api.allowedClients
  API_STALE_AFTER_MINUTES: string(api.staleAfterMinutes)
  API_CACHE_SECONDS: string(api.cacheSeconds)
  MONITOR_AUDIENCE: monitorAudience
  DATA_COLLECTION_ENDPOINT: endpoint.properties.logsIngestion.endpoint
  AUDIT_IMMUTABLE_ID: rule.properties.immutableId
  AUDIT_STREAM_NAME: 'Custom-${loadJsonContent('../tables/ManagedApplicationAudit_CL.json').name}'
  LOG_ANALYTICS_WORKSPACE_ID: workspace.properties.customerId
  LOG_ANALYTICS_ENDPOINT: api.queryEndpoint
  QUERY_MAX_DAYS: string(api.queryLimits.days)
  QUERY_MAX_ROWS: string(api.queryLimits.rows)
  QUERY_MAX_MEGABYTES: string(api.queryLimits.megabytes)
  QUERY_MAX_SECONDS: string(api.queryLimits.seconds)
  // Read by the platform's sign-in: the identity whose token stands in for a client secret, and the one tenant it lets in.
  OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: ownClientId
  WEBSITE_AUTH_AAD_ALLOWED_TENANTS: publisher.tenantId
}

var settingsOfRoles = {
  front: frontSettings
  worker: union(workerSettings, credentialSettings[publisher.credentialKind])
  api: apiSettings
}

var commonSettings = {
  APP_ROLE: app.role
  MANAGED_IDENTITY_CLIENT_ID: ownClientId
  AZURE_AUTHORITY_HOST: environment().authentication.loginEndpoint
  AzureWebJobsStorage__blobServiceUri: 'https://${app.storageAccount}.blob.${storageSuffix}'
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: ownClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsights.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${ownClientId};Authorization=AAD'
}

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: site
  name: 'appsettings'
  properties: union(commonSettings, settingsOfRoles[app.role])
}
