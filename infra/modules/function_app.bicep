// One function app, on a Flex Consumption plan of its own.

@description('Azure region. It must offer Flex Consumption.')
param location string

@description('The app, as main.bicep describes it: role, functionApp (part of its address), functionPlan, identity, subnet, isCalled (whether it answers calls).')
param app object

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

@description('Name of the virtual network whose subnet takes the outbound traffic; empty: none.')
param networkName string

@description('Public addresses and ranges that packages are deployed from. They count with a network only: without one everybody may try.')
param deploymentSources array

@description('Tags of the function app; azd finds it by azd-service-name.')
param tags object

// The deployment package is built for this version, on the machine that deploys.
var pythonVersion = loadJsonContent('../runtime.json').pythonVersion
var deploymentRules = [for (source, i) in deploymentSources: {
  name: 'deployment-${i}'
  action: 'Allow'
  priority: 100 + i
  ipAddress: contains(source, '/') ? source : '${source}/32'
}]

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: app.identity
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: app.functionPlan
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

resource site 'Microsoft.Web/sites@2024-04-01' = {
  name: app.functionApp
  location: location
  tags: union(tags, {
    'azd-service-name': app.role
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    publicNetworkAccess: 'Enabled' // Azure Resource Manager calls the webhook from its own public addresses
    // Keeps /admin from whoever has the master key: the resource manager calls it. Documented, but not in the published type:
    // learn.microsoft.com/azure/azure-functions/functions-app-settings#functionsruntimeadminisolationenabled
    #disable-next-line BCP037
    functionsRuntimeAdminIsolationEnabled: true
    keyVaultReferenceIdentity: identity.id
    virtualNetworkSubnetId: empty(networkName) ? null : resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, app.subnet)
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ipSecurityRestrictionsDefaultAction: app.isCalled ? 'Allow' : 'Deny'
      scmIpSecurityRestrictionsUseMain: false
      scmIpSecurityRestrictionsDefaultAction: empty(networkName) ? 'Allow' : 'Deny'
      scmIpSecurityRestrictions: empty(networkName) ? [] : deploymentRules
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainerUri
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
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
  parent: site
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource noDeploymentPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: site
  name: 'scm'
  properties: {
    allow: false
  }
  dependsOn: [
    noFtpPassword
  ]
}

// Said and not left out: before there were three apps, the sign-in of the API stood before what is the front now.
resource noSignIn 'Microsoft.Web/sites/config@2024-04-01' = if (app.role != 'api') {
  parent: site
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: false
    }
  }
  dependsOn: [
    noDeploymentPassword
  ]
}

@description('Host name of the function app.')
output hostName string = site.properties.defaultHostName
