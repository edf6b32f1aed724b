// A web app and a function app on one plan: reached through private endpoints, and all they send goes through the network.

@description('Azure region.')
param location string

@description('Name of the App Service plan.')
param planName string

@description('Name of the web app.')
param webAppName string

@description('Name of the function app.')
param functionAppName string

@description('Name of the storage account that the Functions host keeps its state in.')
param storageName string

@description('Name of the virtual network whose subnet apps takes what the apps send.')
param networkName string

@description('True: the publisher\'s tenant is not the one that the application is deployed into.')
param crossTenant bool

// What the Functions host needs for its own state.
var storageBlobDataOwner = loadJsonContent('../../../well_known_ids.json').roles.storageBlobDataOwner.id

var sites = [
  {
    name: webAppName
    kind: 'app,linux'
    appSettings: []
  }
  {
    name: functionAppName
    kind: 'functionapp,linux'
    appSettings: [
      {
        name: 'AzureWebJobsStorage__accountName'
        value: storageName
      }
      {
        name: 'FUNCTIONS_EXTENSION_VERSION'
        value: '~4'
      }
      {
        name: 'FUNCTIONS_WORKER_RUNTIME'
        value: 'python'
      }
    ]
  }
]

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  kind: 'linux'
  sku: {
    name: 'B1'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = [for site in sites: {
  name: site.name
  location: location
  kind: site.kind
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: 'Disabled'
    virtualNetworkSubnetId: resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, 'apps')
    outboundVnetRouting: {
      allTraffic: true
    }
    siteConfig: {
      alwaysOn: true
      appSettings: site.appSettings
      ftpsState: 'Disabled'
      linuxFxVersion: 'PYTHON|3.12'
      minTlsVersion: '1.2'
    }
  }
}]

resource functionKeepsState 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage
  name: guid(storage.id, functionAppName, storageBlobDataOwner)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataOwner)
    principalId: app[1].identity.principalId
    principalType: 'ServicePrincipal'
    delegatedManagedIdentityResourceId: crossTenant ? app[1].id : null
  }
}
