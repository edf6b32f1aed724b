// Azure Monitor private link scope: ingestion and queries only from the private endpoint.

@description('Name of the private link scope.')
param privateLinkScopeName string

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

@description('Resource id of the Application Insights component.')
param applicationInsightsId string

@description('Resource id of the data collection endpoint.')
param dataCollectionEndpointId string

@description('Tags of every resource.')
param tags object

var members = [
  {
    name: 'workspace'
    id: workspaceId
  }
  {
    name: 'application-insights'
    id: applicationInsightsId
  }
  {
    name: 'data-collection-endpoint'
    id: dataCollectionEndpointId
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

@description('Resource id of the private link scope.')
output privateLinkScopeId string = scope.id
