// Azure Monitor private link scope: ingestion and queries only from the private endpoint.

@description('Name of the private link scope.')
param privateLinkScopeName string

@description('Name of the Log Analytics workspace.')
param workspaceName string

@description('Name of the Application Insights component.')
param applicationInsightsName string

@description('Name of the data collection endpoint.')
param dataCollectionEndpointName string

@description('Tags of every resource.')
param tags object

var members = [
  {
    name: 'workspace'
    id: resourceId('Microsoft.OperationalInsights/workspaces', workspaceName)
  }
  {
    name: 'application-insights'
    id: resourceId('Microsoft.Insights/components', applicationInsightsName)
  }
  {
    name: 'data-collection-endpoint'
    id: resourceId('Microsoft.Insights/dataCollectionEndpoints', dataCollectionEndpointName)
  }
]

resource scope 'Microsoft.Insights/privateLinkScopes@2021-07-01-preview' = {
  name: privateLinkScopeName
  location: 'global'
  tags: tags
  properties: {
    accessModeSettings: {
      ingestionAccessMode: 'PrivateOnly'
      queryAccessMode: 'PrivateOnly'
    }
  }
}

@batchSize(1)
resource scopedResources 'Microsoft.Insights/privateLinkScopes/scopedResources@2021-07-01-preview' = [for member in members: {
  parent: scope
  name: member.name
  properties: {
    linkedResourceId: member.id
  }
}]
