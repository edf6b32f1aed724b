// An account of Azure AI services: no keys, no public endpoint, an identity of its own. It costs what is asked of it.

@description('Azure region.')
param location string

@description('Name of the account, which is its subdomain as well: sign-in with Microsoft Entra ID and private endpoints need one.')
param accountName string

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' = {
  name: accountName
  location: location
  kind: 'AIServices'
  sku: {
    name: 'S0'
  }
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    customSubDomainName: accountName
    disableLocalAuth: true
    publicNetworkAccess: 'Disabled'
    networkAcls: {
      defaultAction: 'Deny'
    }
  }
}
