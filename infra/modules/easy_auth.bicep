// Sign-in with Microsoft Entra ID before the app of the API (App Service authentication, "Easy Auth").
// Without a client secret: the api's identity proves to be the app registration (federated identity credential).

@description('Name of the app of the API.')
param appName string

@description('Tenant of the API\'s app registration: whose people and workloads may sign in.')
@minLength(36)
@maxLength(36)
param tenantId string

@description('Application (client) id of the API\'s app registration.')
@minLength(36)
@maxLength(36)
param apiClientId string

@description('Client ids of the applications and managed identities that may call the API.')
param allowedClientIds array

resource app 'Microsoft.Web/sites@2024-04-01' existing = {
  name: appName
}

resource signIn 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
      runtimeVersion: '~1'
    }
    globalValidation: {
      requireAuthentication: true
      // Who opens a link without a session comes back to it after signing in: the platform knows the address, the app
      // does not see the request. Programs send a token, or get no further than the redirect.
      unauthenticatedClientAction: 'RedirectToLoginPage'
      redirectToProvider: 'azureactivedirectory'
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenantId}/v2.0'
          clientId: apiClientId
          // Names the app setting with the client id of the identity whose token stands in for a secret.
          clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
        }
        validation: {
          allowedAudiences: [
            apiClientId
            'api://${apiClientId}'
          ]
          defaultAuthorizationPolicy: {
            // The registration itself: people who sign in on the operations page.
            allowedApplications: union([
              apiClientId
            ], allowedClientIds)
          }
        }
      }
    }
    login: {
      preserveUrlFragmentsForLogins: true
      tokenStore: {
        // Nothing is called in a caller's name, so no token is kept.
        enabled: false
      }
    }
  }
}
