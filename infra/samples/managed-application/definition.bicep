// The publisher's side of a first test: a definition of the managed application in the service catalog of your tenant.
// docs/deployment.md leads through it.

@description('Azure region.')
param location string = resourceGroup().location

@description('Object id of the publisher\'s service principal, as in a plan\'s authorizations.')
@minLength(36)
@maxLength(36)
param publisherPrincipalId string

@description('Object id of who tests or operates, a group or a person: the managed resource group is locked for everybody whom the definition does not authorize.')
@minLength(36)
@maxLength(36)
param operatorsPrincipalId string

@description('The compiled main.bicep. Empty: the package has it.')
param mainTemplate object = {}

@description('Where Azure fetches the package, app.zip, with the view of the application. Empty: mainTemplate is used, without a view.')
@secure()
param packageFileUri string = ''

@description('The notification endpoint with its two secrets, as for Partner Center.')
@secure()
param notificationUrl string

var contributor = loadJsonContent('../../well_known_ids.json').otherRoles.contributor.id

resource definition 'Microsoft.Solutions/applicationDefinitions@2021-07-01' = {
  name: 'compliance-test'
  location: location
  properties: {
    displayName: 'Compliance test'
    description: 'A small private application with the policy assignments that judge it, to see an alert fire and resolve.'
    lockLevel: 'ReadOnly'
    isEnabled: true
    authorizations: [
      {
        principalId: publisherPrincipalId
        roleDefinitionId: contributor
      }
      {
        principalId: operatorsPrincipalId
        roleDefinitionId: contributor
      }
    ]
    mainTemplate: empty(packageFileUri) ? mainTemplate : null
    createUiDefinition: empty(packageFileUri) ? loadJsonContent('createUiDefinition.json') : null
    packageFileUri: empty(packageFileUri) ? null : packageFileUri
    notificationPolicy: {
      notificationEndpoints: [
        {
          uri: notificationUrl
        }
      ]
    }
  }
}

@description('Resource id of the definition, which application.bicep asks for.')
output definitionId string = definition.id
