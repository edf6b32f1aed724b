// Log Analytics workspace and the Application Insights component that stores its data there.

@description('Azure region.')
param location string

@description('Name of the Log Analytics workspace.')
param workspaceName string

@description('Name of the Application Insights component.')
param applicationInsightsName string

@description('Days that every table keeps its rows.')
@minValue(30)
@maxValue(730)
param retentionInDays int

@description('Names of the apps\' identities: each sends telemetry.')
param appIdentityNames array

@description('Name of the alert rules\' identity: it reads the workspace.')
param alertsIdentityName string

@description('True: no ingestion and no query from public networks.')
param privateNetworking bool

@description('Tags of every resource.')
param tags object

var roles = loadJsonContent('../well_known_ids.json').roles
var publicNetworkAccess = privateNetworking ? 'Disabled' : 'Enabled'

resource appIdentities 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = [for name in appIdentityNames: {
  name: name
}]

resource alertsIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: alertsIdentityName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionInDays
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
    publicNetworkAccessForIngestion: publicNetworkAccess
    publicNetworkAccessForQuery: publicNetworkAccess
  }
}

// Who queried the workspace itself, past the API: the table LAQueryLogs.
resource queryLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: workspace
  name: 'to-workspace'
  properties: {
    workspaceId: workspace.id
    logs: [
      {
        category: 'Audit'
        enabled: true
      }
    ]
  }
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' = {
  name: applicationInsightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
    publicNetworkAccessForIngestion: publicNetworkAccess
    publicNetworkAccessForQuery: publicNetworkAccess
  }
}

resource appSendsTelemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (name, i) in appIdentityNames: {
  scope: applicationInsights
  name: guid(applicationInsights.id, appIdentities[i].id, roles.monitoringMetricsPublisher.id)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.monitoringMetricsPublisher.id)
    principalId: appIdentities[i].properties.principalId
    principalType: 'ServicePrincipal'
  }
}]

resource alertsReadLogs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: workspace
  name: guid(workspace.id, alertsIdentity.id, roles.logAnalyticsReader.id)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.logAnalyticsReader.id)
    principalId: alertsIdentity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

@description('Workspace id that query clients ask for (a GUID).')
output customerId string = workspace.properties.customerId
