// The customer's side of a test: deploys the managed application of definition.bicep.

@description('Azure region.')
param location string = resourceGroup().location

@description('Resource id of the definition: the output of definition.bicep.')
param definitionId string

@description('Name of the application. For a week after it was deleted its key vault keeps the names that follow from it.')
param applicationName string = 'compliance-test'

@description('Parameters of the application\'s main.bicep as a parameters file has them, for instance {"apps":{"value":true}}.')
param applicationParameters object = {}

var managedGroupName = 'mrg-${applicationName}'

resource application 'Microsoft.Solutions/applications@2021-07-01' = {
  name: applicationName
  location: location
  kind: 'ServiceCatalog'
  properties: {
    applicationDefinitionId: definitionId
    managedResourceGroupId: '${subscription().id}/resourceGroups/${managedGroupName}'
    parameters: applicationParameters
  }
}

@description('Resource id of the application.')
output applicationId string = application.id

@description('Name of the managed resource group.')
output managedResourceGroup string = managedGroupName
