// The function app on the Flex Consumption plan.

@description('Azure region. It must offer Flex Consumption.')
param location string

@description('Name of the plan.')
param planName string

@description('Name of the function app; part of its public address.')
param appName string

@description('Resource id of the function app\'s identity.')
param appIdentityId string

@description('App settings: names and values.')
param appSettings object

@description('Address of the container that holds the deployment package.')
param deploymentContainerUri string

@description('Python version of the app.')
@allowed([
  '3.11'
  '3.12'
])
param pythonVersion string

@description('Memory of one instance in MB.')
@allowed([
  2048
  4096
])
param instanceMemoryMB int

@description('Most instances that the platform may run at once.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int

@description('Resource id of the subnet for outbound traffic; empty: none.')
param subnetId string

@description('Tags of the function app; azd finds it by azd-service-name.')
param tags object

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: appName
  location: location
  tags: union(tags, {
    'azd-service-name': 'collector'
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${appIdentityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    // Azure Resource Manager calls the webhook from its own public addresses.
    publicNetworkAccess: 'Enabled'
    keyVaultReferenceIdentity: appIdentityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainerUri
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: appIdentityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
      }
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: appSettings
}

// A site takes one change at a time, hence one after the other.
resource noFtpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
  dependsOn: [
    settings
  ]
}

resource noDeploymentPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
  dependsOn: [
    noFtpPassword
  ]
}

@description('Name of the function app, once it is there.')
output appName string = app.name

@description('Resource id of the function app.')
output appId string = app.id

@description('Host name of the function app.')
output hostName string = app.properties.defaultHostName
