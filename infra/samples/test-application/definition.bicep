// The publisher's side of a test: a service catalog definition of a managed application with one storage account and one
// policy assignment that a tester can violate and repair in a minute. docs/deployment.md leads through it.

@description('Azure region.')
param location string = resourceGroup().location

@description('Object id of the publisher\'s service principal, as in a plan\'s authorizations.')
@minLength(36)
@maxLength(36)
param publisherPrincipalId string

@description('Object id of the person who tests: the managed resource group is locked for everybody whom the definition does not authorize.')
@minLength(36)
@maxLength(36)
param testerPrincipalId string

@description('The notification endpoint with its two secrets, as for Partner Center.')
@secure()
param notificationUrl string

var contributor = loadJsonContent('../../well_known_ids.json').otherRoles.contributor.id

resource definition 'Microsoft.Solutions/applicationDefinitions@2021-07-01' = {
  name: 'compliance-test'
  location: location
  properties: {
    displayName: 'Compliance test'
    description: 'One storage account and one policy assignment, to see an alert fire and resolve.'
    lockLevel: 'ReadOnly'
    isEnabled: true
    authorizations: [
      {
        principalId: publisherPrincipalId
        roleDefinitionId: contributor
      }
      {
        principalId: testerPrincipalId
        roleDefinitionId: contributor
      }
    ]
    mainTemplate: loadJsonContent('mainTemplate.json')
    createUiDefinition: loadJsonContent('createUiDefinition.json')
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
