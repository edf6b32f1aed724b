// Private endpoints of the storage account of one app: one for each service of it that is used.

@description('Azure region.')
param location string

@description('The app: storageAccount, storageServices (blob, queue, table), endpointPrefix (start of the endpoints\' names).')
param app object

@description('Name of the virtual network whose subnet endpoints holds them.')
param networkName string

@description('Tags of every resource.')
param tags object

module endpoints 'private_endpoint.bicep' = [for service in app.storageServices: {
  name: 'endpoint-${app.role}-${service}'
  params: {
    location: location
    endpointName: '${app.endpointPrefix}${service}'
    targetId: resourceId('Microsoft.Storage/storageAccounts', app.storageAccount)
    groupId: service
    networkName: networkName
    zoneNames: [
      'privatelink.${service}.${environment().suffixes.storage}'
    ]
    tags: tags
  }
}]
