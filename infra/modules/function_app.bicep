// The function app on the Flex Consumption plan.

@description('Azure region. It must offer Flex Consumption.')
param location string

@description('Name of the plan.')
param planName string

@description('Name of the function app; part of its public address.')
param appName string

@description('Name of the function app\'s identity.')
param appIdentityName string

@description('Address of the container that holds the deployment package.')
param deploymentContainerUri string

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

@description('Name of the virtual network whose subnet app takes the outbound traffic; empty: none.')
param networkName string

@description('Tags of the function app; azd finds it by azd-service-name.')
param tags object

// The deployment package is built for this version, on the machine that deploys.
var pythonVersion = loadJsonContent('../runtime.json').pythonVersion

resource appIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: appIdentityName
}

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
      '${appIdentity.id}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    // Azure Resource Manager calls the webhook from its own public addresses.
    publicNetworkAccess: 'Enabled'
    keyVaultReferenceIdentity: appIdentity.id
    virtualNetworkSubnetId: empty(networkName) ? null : resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, 'app')
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
            userAssignedIdentityResourceId: appIdentity.id
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

// A site takes one change at a time, hence one after the other.
resource noFtpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
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

@description('Host name of the function app.')
output hostName string = app.properties.defaultHostName
