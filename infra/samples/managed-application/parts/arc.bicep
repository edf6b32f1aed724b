// Private link scope of Azure Arc: servers that belong to it are managed through its private endpoint only.

@description('Azure region.')
param location string

@description('Name of the private link scope.')
param privateLinkScopeName string

resource privateLinkScope 'Microsoft.HybridCompute/privateLinkScopes@2025-01-13' = {
  name: privateLinkScopeName
  location: location
  properties: {
    publicNetworkAccess: 'Disabled'
  }
}
